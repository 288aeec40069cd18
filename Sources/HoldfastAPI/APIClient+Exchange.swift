// SPDX-License-Identifier: Apache-2.0

import MountModel

extension APIClient {
    /// Sends one request and decodes its answer, or throws the problem that came instead.
    func perform<Answer: Decodable>(
        _ request: HTTPRequestText, daemonTakes: Duration? = nil
    ) throws(Problem) -> Answer {
        let clock = RequestClock(limit: daemonTakes.map { $0 + margin } ?? patience, onWait: onWait)
        let response: HTTPResponseParser.Response
        do {
            response = try exchange(request, clock: clock)
        } catch {
            throw Problem(explain(error, request: request, limit: clock.limit))
        }
        guard (200..<300).contains(response.status) else { throw Self.problem(in: response, to: request) }
        do {
            return try APIJSON.decodeResponse(Answer.self, from: response.body)
        } catch {
            var error = error
            error.hint = "do this program and the daemon have the same version?"
            throw Problem(error)
        }
    }

    private func exchange(
        _ request: HTTPRequestText, clock: borrowing RequestClock
    ) throws(ExchangeFailure) -> HTTPResponseParser.Response {
        let stream = try UnixStream(connectingTo: socketPath, clock: clock)
        try stream.send(request.bytes, clock: clock)
        var parser = HTTPResponseParser(maximumBodyLength: Self.maximumResponseLength)
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var received = 0
        while true {
            let count = try stream.receive(into: &buffer, clock: clock)
            guard count > 0 else { throw .hungUp(received: received) }
            received += count
            if let response = try parser.consume(buffer[..<count]) { return response }
        }
    }

    private func explain(_ failure: ExchangeFailure, request: HTTPRequestText, limit: Duration) -> MountError {
        let doubt = request.method == "GET" ? nil : "it may have been carried out: see 'holdfast list'"
        let context = MountError.Context(operation: "request", target: socketPath)
        switch failure {
        case .notConnected(let error):
            return error
        case .timedOut:
            return MountError(
                .timedOut, "the daemon did not answer within \(limit.formattedSeconds)", context: context,
                hint: doubt ?? "is holdfastd hung or overloaded? its log may tell")
        case .failed(let systemCall, let code):
            var context = context
            context.systemCall = systemCall
            context.errno = code
            return MountError(
                .unavailable, "the connection to the daemon failed: \(SystemErrorText.describe(code))",
                context: context, hint: doubt)
        case .hungUp(let received):
            let when = received == 0 ? "without an answer" : "in the middle of its answer"
            return MountError(
                .unavailable, "the daemon closed the connection \(when)", context: context,
                hint: doubt ?? "was holdfastd stopped? try again")
        case .malformed(let what):
            return MountError(
                .internal, "the answer is not HTTP as the daemon speaks it: \(what)", context: context,
                hint: "is \(InputText.quoted(socketPath)) the socket of holdfastd?")
        case .tooLarge(let maximum):
            return MountError(
                .internal, "the answer is longer than \(maximum >> 20) MiB", context: context, hint: doubt)
        }
    }

    /// The problem document in an answer; where there is none, one made from the status.
    private static func problem(in response: HTTPResponseParser.Response, to request: HTTPRequestText) -> Problem {
        do {
            return try APIJSON.decodeResponse(Problem.self, from: response.body)
        } catch {
            let code: MountError.Code =
                switch response.status {
                case 400, 413, 414, 422: .invalidArgument
                case 401, 403: .permissionDenied
                // The daemon's own "not found" is a problem document: without one the route itself is unknown to it.
                case 404, 405, 501: .unsupported
                case 408, 504: .timedOut
                case 429, 502, 503: .unavailable
                default: .internal
                }
            return Problem(
                MountError(
                    code, "the daemon answered \(request.method) \(request.target) with status \(response.status)",
                    hint: code == .unsupported ? "is the daemon older than this program?" : nil))
        }
    }
}

extension Duration {
    /// `30 s`, `0.25 s`.
    fileprivate var formattedSeconds: String {
        let seconds = Double(components.seconds) + Double(components.attoseconds) / 1e18
        let text = "\((seconds * 1000).rounded() / 1000)"
        return (text.hasSuffix(".0") ? String(text.dropLast(2)) : text) + " s"
    }
}
