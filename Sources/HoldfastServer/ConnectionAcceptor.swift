// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HoldfastAPI
import HummingbirdCore
import Logging
import MountModel
import NIOConcurrencyHelpers
import NIOCore

/// Turns accepted sockets into served connections.
struct ConnectionAcceptor: Sendable {
    let limits: ServerLimits
    let registry: ConnectionRegistry
    let responder: RequestResponder
    let logger: Logger
    private let refusals = NIOLockedValueBox(LogBound())

    init(limits: ServerLimits, registry: ConnectionRegistry, responder: RequestResponder, logger: Logger) {
        self.limits = limits
        self.registry = registry
        self.responder = responder
        self.logger = logger
    }

    /// Builds the pipeline of one connection and serves it; on the connection's event loop.
    ///
    /// Never fails: a failed initializer would be the listening channel's error, and one bad connection is nobody
    /// else's affair.
    func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
        switch registry.admission(of: channel) {
        case .admitted: break
        case .full: return refuse(channel)
        case .shuttingDown: return channel.close().recover { _ in }
        }
        do {
            return try serve(channel, for: Caller.peer(of: channel)).flatMapError { self.giveUp(channel, $0) }
        } catch {
            return giveUp(channel, error)
        }
    }

    private func giveUp(_ channel: any Channel, _ error: any Error) -> EventLoopFuture<Void> {
        logger.error("cannot serve a connection", metadata: ["error": "\(error)"])
        return channel.close().recover { _ in }
    }

    private func serve(_ channel: any Channel, for caller: Caller) throws -> EventLoopFuture<Void> {
        let gate = ConnectionGate(caller: caller, limits: limits, registry: registry, logger: logger)
        try channel.pipeline.syncOperations.addHandler(ByteArrivalHandler(gate))
        let loopBound = NIOLoopBound(gate, eventLoop: channel.eventLoop)
        let responder = responder
        let http = HTTP1Channel(
            responder: { request, writer, _ in
                let response = await responder.respond(to: request, caller: caller)
                try await writer.write(response: response.head, body: response.body)
            },
            configuration: .init(
                additionalChannelHandlers: [loopBound.value],
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: limits.headerBytes, maxHeaderListSize: limits.headerBytes,
                    maxHeaderFieldCount: limits.headerFields)))
        let logger = logger
        return http.setup(channel: channel, logger: logger).map { value in
            // Not a child of run(): the channel's close ends it, and the registry waits for the channel.
            let task = Task { await http.handle(value: value, logger: logger) }
            channel.closeFuture.whenComplete { _ in task.cancel() }
        }
    }

    private func refuse(_ channel: any Channel) -> EventLoopFuture<Void> {
        if let count = refusals.withLockedValue({ $0.add(at: .now()) }) {
            logger.warning(
                "too many connections", metadata: ["limit": "\(limits.connections)", "refused": "\(count)"])
        }
        let refusal = Refusal(
            MountError(
                .unavailable,
                "the daemon has \(limits.connections) connections that wait for answers, as many as it takes",
                hint: "try again later; 'holdfast list' shows what hangs"))
        return channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(RefusalHandler(ProblemBody.encode(refusal.problem)))
        }.recover { _ in channel.close(promise: nil) }
    }
}

/// Counts connections in the listener's pipeline, before their own event loops take them over.
final class AcceptedConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel

    private let registry: ConnectionRegistry

    init(_ registry: ConnectionRegistry) { self.registry = registry }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        registry.accept(unwrapInboundIn(data))
        context.fireChannelRead(data)
    }
}

/// Answers a connection that is one too many, whatever it asks. The channel can write only when it is active.
private final class RefusalHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let body: ByteBuffer

    init(_ body: ByteBuffer) { self.body = body }

    func channelActive(context: ChannelHandlerContext) {
        var bytes = ByteBuffer(
            string: "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n"
                + "content-length: \(body.readableBytes)\r\nconnection: close\r\n\r\n")
        bytes.writeImmutableBuffer(body)
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        context.close(promise: nil)
    }
}

/// Tells the gate about bytes before the parser has made sense of them: a request that drips is seen from its first
/// byte.
private final class ByteArrivalHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let gate: ConnectionGate

    init(_ gate: ConnectionGate) { self.gate = gate }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        gate.bytesArrive(unwrapInboundIn(data).readableBytes)
        context.fireChannelRead(data)
        gate.bytesWereParsed()
    }
}
