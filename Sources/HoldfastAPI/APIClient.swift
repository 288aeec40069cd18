// SPDX-License-Identifier: Apache-2.0

import MountModel

/// A client of the HTTP API over the daemon's Unix socket. Every call blocks its thread, sends one request over a
/// connection of its own, and ends by a deadline: not for use on Swift's cooperative pool.
public struct APIClient: Sendable {
    /// Where the daemon listens, unless it is told otherwise.
    public static let defaultSocketPath = "/run/holdfast/holdfast.sock"
    /// How long the daemon itself waits where a request names no time.
    public static let defaultTimeout = Duration.seconds(30)
    /// A longer answer than this, in bytes, is refused.
    public static let maximumResponseLength = 64 << 20

    /// The socket's path.
    public var socketPath: String
    /// How long the answer to a request may take that is given no time, because it waits for nothing.
    public var patience: Duration
    /// How long an answer may be late, beyond the time that the daemon was given.
    public var margin: Duration
    /// Called about ten times a second while an answer is awaited, with the time since the request began.
    public var onWait: (@Sendable (Duration) -> Void)?

    /// Connects to nothing yet.
    public init(
        socketPath: String = defaultSocketPath, patience: Duration = .seconds(10),
        margin: Duration = .seconds(2), onWait: (@Sendable (Duration) -> Void)? = nil
    ) {
        self.socketPath = socketPath
        self.patience = patience
        self.margin = margin
        self.onWait = onWait
    }

    /// `POST /v1/attachments`: attaches, mounting where need be.
    ///
    /// - Throws: the daemon's problem, or one of the client's: `unavailable`, `permission_denied`, `timed_out`,
    ///   `internal`.
    public func attach(_ request: AttachRequest) throws(Problem) -> AttachResponse {
        try post(request, to: "/v1/attachments")
    }

    /// `POST /v1/plan`: what the same attach would do, which changes nothing.
    ///
    /// - Throws: as `attach`.
    public func plan(_ request: AttachRequest) throws(Problem) -> PlanResponse {
        try post(request, to: "/v1/plan")
    }

    private func post<Answer: Decodable>(_ request: AttachRequest, to path: String) throws(Problem) -> Answer {
        let body: [UInt8]
        do { body = try APIJSON.encode(request) } catch { throw Problem(error) }
        return try perform(
            HTTPRequestText("POST", path, body: body), daemonTakes: Self.daemonTime(request.timeoutSeconds))
    }

    /// `DELETE /v1/attachments/{id}`: ends the attachment with this id.
    ///
    /// - Throws: as `attach`.
    public func detach(id: String, timeoutSeconds: Double? = nil) throws(Problem) -> DetachResponse {
        try perform(
            HTTPRequestText(
                "DELETE", try Self.path("/v1/attachments", id: id),
                query: [("timeout_seconds", timeoutSeconds.map { "\($0)" })]),
            daemonTakes: Self.daemonTime(timeoutSeconds))
    }

    /// `DELETE /v1/attachments?source=…`: ends the attachment that the selector names.
    ///
    /// - Throws: as `attach`.
    public func detach(_ selector: DetachSelector, timeoutSeconds: Double? = nil) throws(Problem) -> DetachResponse {
        try perform(
            HTTPRequestText(
                "DELETE", "/v1/attachments",
                query: [
                    ("source", selector.source), ("consumer", selector.consumer), ("volume", selector.volume),
                    ("type", selector.type), ("at", selector.at),
                    ("timeout_seconds", timeoutSeconds.map { "\($0)" }),
                ]),
            daemonTakes: Self.daemonTime(timeoutSeconds))
    }

    /// `GET /v1/attachments`: all attachments.
    ///
    /// - Throws: as `attach`.
    public func attachments() throws(Problem) -> AttachmentList {
        try perform(HTTPRequestText("GET", "/v1/attachments"))
    }

    /// `GET /v1/attachments/{id}`: one attachment with its mount.
    ///
    /// - Throws: as `attach`; `not_found` if there is none by this id.
    public func attachment(id: String) throws(Problem) -> AttachResponse {
        try perform(HTTPRequestText("GET", try Self.path("/v1/attachments", id: id)))
    }

    /// `GET /v1/mounts`: all mounts with their attachments.
    ///
    /// - Throws: as `attach`.
    public func mounts() throws(Problem) -> MountList {
        try perform(HTTPRequestText("GET", "/v1/mounts"))
    }

    /// `GET /v1/mounts/{id}`: one mount with its attachments.
    ///
    /// - Throws: as `attach`; `not_found` if there is none by this id.
    public func mount(id: String) throws(Problem) -> MountDetail {
        try perform(HTTPRequestText("GET", try Self.path("/v1/mounts", id: id)))
    }

    /// `POST /v1/verify`: asks the kernel about every mount.
    ///
    /// - Throws: as `attach`.
    public func verify() throws(Problem) -> VerifyResponse {
        try perform(HTTPRequestText("POST", "/v1/verify", body: []), daemonTakes: Self.defaultTimeout)
    }

    /// `GET /v1/status`: the daemon about itself.
    ///
    /// - Throws: as `attach`.
    public func status() throws(Problem) -> StatusResponse {
        try perform(HTTPRequestText("GET", "/v1/status"))
    }

    /// `GET /v1/doctor`: what is wrong on the daemon's host.
    ///
    /// - Throws: as `attach`.
    public func doctor() throws(Problem) -> DoctorResponse {
        try perform(HTTPRequestText("GET", "/v1/doctor"))
    }

    /// What the daemon waits at most; a nonsensical number is the daemon's to refuse, and it does so at once.
    private static func daemonTime(_ seconds: Double?) -> Duration {
        guard let seconds else { return defaultTimeout }
        return seconds.isFinite ? .seconds(min(max(seconds, 0), 86_400)) : .zero
    }

    private static func path(_ collection: String, id: String) throws(Problem) -> String {
        guard !id.isEmpty else { throw Problem(.invalidArgument("the id is empty")) }
        return "\(collection)/\(HTTPRequestText.percentEncoded(id))"
    }
}
