// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HoldfastAPI
import Logging
import MountModel
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Lets only whole, small, timely requests of permitted callers pass, and closes the connection behind the last answer.
///
/// A request is passed on when its last byte is there, so that one which is cut off calls nothing. What is refused here
/// is answered here, after the answers that are owed to earlier requests of the connection. Lives on its event loop.
final class ConnectionGate: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let caller: Caller
    private let limits: ServerLimits
    private let registry: ConnectionRegistry
    private let logger: Logger
    private var context: ChannelHandlerContext?
    private var deadline: ConnectionDeadline?

    /// The head of the request that is arriving.
    private var head: HTTPRequest?
    private var body = ByteBuffer()
    /// Whether bytes of a request have arrived that was not passed on yet.
    private var receiving = false
    /// Bytes that the parser may be holding of an unfinished head.
    private var unparsedBytes = 0
    /// Requests passed on whose answers have not been written.
    private var answersOwed = 0 { didSet { need = currentNeed } }
    /// Answers that were written and have not been taken by the client.
    private var answersUnsent = 0 { didSet { need = currentNeed } }
    /// What the registry knows of both.
    private var need = ConnectionNeed.nothing {
        didSet { if need != oldValue, let context { registry.set(context.channel, to: need) } }
    }
    private var currentNeed: ConnectionNeed { answersOwed > 0 ? .answer : answersUnsent > 0 ? .reading : .nothing }
    /// No request is taken after the one that is arriving.
    private var draining = false
    /// No further request is taken.
    private var isLast = false
    /// What is answered behind the owed answers, then the connection ends.
    private var refusal: Refusal?
    /// The last answer has been written.
    private var ended = false

    /// Told to a connection to which no answer is owed: others need its place.
    struct MakeRoom: Sendable {}

    init(caller: Caller, limits: ServerLimits, registry: ConnectionRegistry, logger: Logger) {
        self.caller = caller
        self.limits = limits
        self.registry = registry
        self.logger = logger
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        deadline = ConnectionDeadline(eventLoop: context.eventLoop) { [weak self] phase in self?.expire(phase) }
        deadline?.set(.idle, after: limits.idleTimeout)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = nil
        self.context = nil
    }

    // MARK: Requests

    /// Bytes have come from the client.
    func bytesArrive(_ count: Int) {
        if ended || isLast || refusal != nil { return }
        if head == nil { unparsedBytes += count }
        startReceiving()
    }

    /// The parser has seen them. A target that never ends is not in the parser's own limits.
    func bytesWereParsed() {
        if head == nil, unparsedBytes > limits.headerBytes + limits.targetBytes + 1_024 {
            refuse(.headTooLarge(limits))
        }
    }

    private func startReceiving() {
        if receiving { return }
        receiving = true
        if answersOwed == 0 { deadline?.set(.receive, after: limits.receiveTimeout) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if ended || isLast || refusal != nil { return }
        unparsedBytes = 0
        switch unwrapInboundIn(data) {
        case .head(let head):
            startReceiving()
            receive(head)
        case .body(var part):
            if body.readableBytes + part.readableBytes > limits.bodyBytes { return refuse(.bodyTooLarge(limits)) }
            body.writeBuffer(&part)
        case .end:
            passOn(context)
        }
    }

    private func receive(_ head: HTTPRequest) {
        if !caller.mayUseAPI {
            logger.debug("refused", metadata: ["uid": "\(caller.uid)", "pid": "\(caller.pid)"])
            return refuse(.notPermitted(caller))
        }
        if (head.path ?? "").utf8.count > limits.targetBytes { return refuse(.targetTooLong(limits)) }
        if let length = head.headerFields[.contentLength], Int(length) ?? .max > limits.bodyBytes {
            return refuse(.bodyTooLarge(limits))
        }
        if head.method == .post, head.path?.hasPrefix("/v1/attachments") == true, registry.isCrowded {
            return refuse(.crowded(limits))
        }
        self.head = head
        if head.headerFields[.expect]?.lowercased() == "100-continue", answersOwed == 0, let context {
            context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
        }
    }

    private func passOn(_ context: ChannelHandlerContext) {
        guard let head else { return }
        let tokens = (head.headerFields[.connection] ?? "").lowercased().split(whereSeparator: { ", \t".contains($0) })
        isLast = draining || tokens.contains("close")
        answersOwed += 1
        self.head = nil
        receiving = false
        // An answer that the client does not take keeps its deadline, however many requests follow.
        if answersUnsent > 0 { deadline?.set(.send, after: limits.sendTimeout) } else { deadline?.clear() }
        context.fireChannelRead(wrapInboundOut(.head(head)))
        if body.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(.body(body))) }
        context.fireChannelRead(wrapInboundOut(.end(nil)))
        body = ByteBuffer()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case HTTPParserError.headerOverflow: refuse(.headTooLarge(limits))
        case HTTPParserError.invalidEOFState: refuse(.cutOff)
        case is IOError, is ChannelError:
            logger.debug("connection failed", metadata: ["error": "\(error)"])
            context.close(promise: nil)
        default: refuse(.notHTTP)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is MakeRoom { return makeRoom() }
        guard event is ChannelShouldQuiesceEvent else { return context.fireUserInboundEventTriggered(event) }
        if receiving {
            draining = true
        } else {
            isLast = true
            if answersOwed == 0, !ended { end() }
        }
    }

    /// A request that has been passed on in the meantime is answered all the same.
    private func makeRoom() {
        guard let context, registry.isLeaving(context.channel) else { return }
        logger.debug("closing a connection that waits for no answer: others need its place")
        if receiving, answersUnsent == 0 { refuse(.crowded(limits)) }
        // It does not linger: nobody counts it any more.
        context.close(promise: nil)
    }

    // MARK: Answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where head.status.kind != .informational:
            if isLast, refusal == nil, answersOwed == 1 { head.headerFields[.connection] = "close" }
            deadline?.set(.send, after: limits.sendTimeout)
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            answersUnsent += 1
            answersOwed -= 1
            let sent = promise ?? context.eventLoop.makePromise(of: Void.self)
            sent.futureResult.assumeIsolated().whenComplete { _ in self.answerWasSent() }
            if answersOwed > 0 {
                context.write(data, promise: sent)
            } else {
                context.writeAndFlush(data, promise: sent)
                if let refusal { write(refusal) } else if isLast { end() }
            }
        default:
            context.write(data, promise: promise)
        }
    }

    private func answerWasSent() {
        answersUnsent -= 1
        if ended || answersUnsent > 0 { return }
        if answersOwed > 0 {
            deadline?.clear()
        } else if receiving {
            deadline?.set(.receive, after: limits.receiveTimeout)
        } else {
            deadline?.set(.idle, after: limits.idleTimeout)
        }
    }

    private func refuse(_ refusal: Refusal) {
        if ended || self.refusal != nil { return }
        self.refusal = refusal
        head = nil
        body = ByteBuffer()
        if answersOwed == 0 { write(refusal) }
    }

    private func write(_ refusal: Refusal) {
        guard let context else { return }
        let body = ProblemBody.encode(refusal.problem)
        var head = HTTPResponse(status: .init(code: refusal.problem.status))
        head.headerFields[.contentType] = "application/problem+json"
        head.headerFields[.contentLength] = "\(body.readableBytes)"
        head.headerFields[.connection] = "close"
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(body)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        end()
    }

    /// Closes our half, so that the client sees the end after the last answer, and the rest when it has closed its own.
    private func end() {
        ended = true
        deadline?.set(.linger, after: answersUnsent > 0 ? limits.sendTimeout : limits.lingerTimeout)
        context?.close(mode: .output, promise: nil)
    }

    private func expire(_ phase: ConnectionDeadline.Phase) {
        logger.debug("connection timed out", metadata: ["phase": "\(phase)"])
        switch phase {
        case .receive: refuse(.tooSlow(limits))
        case .idle, .send, .linger: context?.close(promise: nil)
        }
    }
}

extension Refusal {
    fileprivate static func notPermitted(_ caller: Caller) -> Refusal {
        Refusal(
            MountError(.permissionDenied, "uid \(caller.uid) may not use this daemon", hint: "only root may, for now"))
    }

    fileprivate static func crowded(_ limits: ServerLimits) -> Refusal {
        Refusal(
            MountError(
                .unavailable, "nearly all of the daemon's \(limits.connections) connections are in use",
                hint: "try again later; 'holdfast status' and 'holdfast list' are answered still"))
    }

    fileprivate static func bodyTooLarge(_ limits: ServerLimits) -> Refusal {
        Refusal(
            .contentTooLarge, .invalidArgument("the body is larger than \(limits.bodyBytes) bytes, the most allowed"))
    }

    fileprivate static func targetTooLong(_ limits: ServerLimits) -> Refusal {
        Refusal(
            .uriTooLong,
            .invalidArgument("the request target is longer than \(limits.targetBytes) bytes, the most allowed"))
    }

    fileprivate static func headTooLarge(_ limits: ServerLimits) -> Refusal {
        Refusal(
            .requestHeaderFieldsTooLarge,
            .invalidArgument(
                "the request's head is too large: at most \(limits.headerBytes) bytes in \(limits.headerFields) header"
                    + " fields and \(limits.targetBytes) bytes of target are allowed"))
    }

    fileprivate static var cutOff: Refusal {
        Refusal(.badRequest, .invalidArgument("the request ended before it was complete"))
    }

    fileprivate static var notHTTP: Refusal {
        Refusal(.badRequest, .invalidArgument("the request is not well-formed HTTP/1.1"))
    }

    fileprivate static func tooSlow(_ limits: ServerLimits) -> Refusal {
        Refusal(
            .requestTimeout,
            MountError(.timedOut, "the request was not complete after \(limits.receiveTimeout)"))
    }
}
