// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HoldfastAPI
import HummingbirdCore
import Logging
import MountModel
import NIOCore

/// Finds a request's route, calls it, and logs what came of it.
struct RequestResponder: Sendable {
    let service: any MountService
    let tally: RequestTally
    let logger: Logger
    private let ids = RequestID.Source()
    private let clock = ContinuousClock()

    init(service: any MountService, tally: RequestTally, logger: Logger) {
        self.service = service
        self.tally = tally
        self.logger = logger
    }

    /// Answers one request, whole when it comes here. Every failure is a problem document.
    func respond(to request: Request, caller: Caller) async -> Response {
        let start = clock.now
        let id = ids.next()
        var response: Response
        var place = RequestTally.Place.other
        do throws(Refusal) {
            response = try await answer(request, caller: caller, place: &place)
        } catch {
            response = report(error, of: id)
        }
        response.headers[.requestID] = id.description
        if request.method == .head { response = response.createHeadResponse() }
        let duration = clock.now - start
        tally.note(place, status: response.status.code, duration: duration)
        logger.debug(
            "request",
            metadata: [
                "request": "\(id)", "method": "\(request.method)",
                "path": "\(InputText.quoted(String(request.uri.string.prefix { $0 != "?" })))",
                "status": "\(response.status.code)", "duration": "\(duration)", "uid": "\(caller.uid)",
            ])
        return response
    }

    /// Keeps an internal error's text from the client and leaves it in the log.
    private func report(_ refusal: Refusal, of id: RequestID) -> Response {
        guard refusal.problem.knownCode == .internal else { return refusal.response() }
        var metadata: Logger.Metadata = ["request": "\(id)", "detail": "\(refusal.problem.detail)"]
        if let call = refusal.problem.systemCall { metadata["system_call"] = "\(call)" }
        if let number = refusal.problem.errno { metadata["errno"] = "\(number)" }
        if let failures = refusal.problem.cleanupFailures { metadata["cleanup_failures"] = "\(failures)" }
        logger.error("internal error", metadata: metadata)
        return Refusal.internalError(request: id).response()
    }

    /// - Parameter place: becomes the route, as soon as there is one.
    private func answer(
        _ request: Request, caller: Caller, place: inout RequestTally.Place
    ) async throws(Refusal) -> Response {
        let target = request.uri.string.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let (route, id) = try Self.route(method: request.method, path: target.first ?? "")
        place = RequestTally.Place(method: route.method.rawValue, route: route.path)
        let body = try await Self.body(of: request, for: route)
        let input: Route.Input
        do throws(MountError) {
            input = Route.Input(
                id: try Self.checked(id),
                query: try QueryParameters(target.count > 1 ? target[1] : "", allowed: route.query),
                body: body, caller: caller, tally: tally)
        } catch {
            throw Refusal(error)
        }
        return try await route.handler(input, service)
    }

    /// The route of a method and path, and the text that stands for `{id}`.
    private static func route(method: HTTPRequest.Method, path: Substring) throws(Refusal) -> (Route, Substring) {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        let found = Route.all.compactMap { route in route.match(segments).map { (route, $0) } }
        // A HEAD is answered as its GET is, without the body (RFC 9110, section 9.3.2).
        let wanted = method == .head ? .get : method
        if let match = found.first(where: { $0.0.method == wanted }) { return match }
        if found.isEmpty {
            throw Refusal(
                MountError(
                    .notFound, "there is nothing at \(InputText.quoted(String(path)))",
                    hint: "/v1/openapi.yaml describes what there is"))
        }
        let allowed = found.flatMap { $0.0.method == .get ? ["GET", "HEAD"] : [$0.0.method.rawValue] }.sorted()
            .joined(separator: ", ")
        var refusal = Refusal(
            .methodNotAllowed,
            MountError(
                .unsupported, "\(method) is not possible on \(InputText.quoted(String(path)))",
                hint: "allowed: \(allowed)"))
        refusal.headers[.allow] = allowed
        throw refusal
    }

    private static func body(of request: Request, for route: Route) async throws(Refusal) -> ByteBuffer {
        let body: ByteBuffer
        do {
            // The gate has bounded it and has all of it; this waits for nothing.
            body = try await request.body.collect(upTo: .max)
        } catch {
            throw Refusal(MountError(.cancelled, "the client has gone"))
        }
        if body.readableBytes == 0 { return body }
        if !route.takesBody { throw Refusal(.invalidArgument("\(request.method) takes no body here")) }
        if let type = request.headers[.contentType], !isJSON(type) {
            var refusal = Refusal(
                .unsupportedMediaType,
                .invalidArgument(
                    "the body's content type is '\(InputText.quoted(type))'", hint: "send application/json in UTF-8"))
            refusal.headers[.accept] = "application/json"
            throw refusal
        }
        return body
    }

    /// `application/json`, with no parameter but `charset=utf-8`.
    private static func isJSON(_ contentType: String) -> Bool {
        let parts = contentType.lowercased().split(separator: ";", omittingEmptySubsequences: false)
            .map { $0.filter { $0 != " " && $0 != "\t" && $0 != "\"" } }
        return parts.first == "application/json" && parts.dropFirst().allSatisfy { $0 == "charset=utf-8" || $0.isEmpty }
    }

    private static func checked(_ id: Substring) throws(MountError) -> String {
        if id.isEmpty { return "" }
        let decoded = try PercentEncoding.decode(id, as: "id")
        try InputText.check(decoded, as: "id", maximumLength: 255)
        return decoded
    }
}

extension HTTPField.Name {
    fileprivate static let requestID = HTTPField.Name("x-request-id") ?? .location
}
