// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// An error as RFC 9457 carries it, `application/problem+json`.
public struct Problem: Codable, Hashable, Sendable, Error {
    /// `urn:holdfast:problem:` and the code.
    public var type: String
    /// The code in words.
    public var title: String
    /// The HTTP status.
    public var status: Int
    /// What failed, for a person.
    public var detail: String
    /// The stable code; one that this version does not know is kept as it came.
    public var code: String
    /// What to do about it.
    public var hint: String?
    /// What was being done.
    public var operation: String?
    /// The canonical source.
    public var source: String?
    /// The filesystem's type.
    public var filesystemType: String?
    /// The mountpoint.
    public var target: String?
    /// The system call that failed.
    public var systemCall: String?
    /// Its errno.
    public var errno: Int32?
    /// What the kernel wrote about it.
    public var kernelMessages: [String]?
    /// What failed while the operation was being undone.
    public var cleanupFailures: [String]?

    /// Shows an error on the wire.
    public init(_ error: MountError) {
        type = "urn:holdfast:problem:\(error.code.rawValue)"
        title = error.code.title
        status = error.code.httpStatus
        detail = error.message
        code = error.code.rawValue
        hint = error.hint
        operation = error.context.operation
        source = error.context.source
        filesystemType = error.context.type
        target = error.context.target
        systemCall = error.context.systemCall
        errno = error.context.errno
        kernelMessages = error.context.kernelMessages.isEmpty ? nil : error.context.kernelMessages
        cleanupFailures = error.cleanupFailures.isEmpty ? nil : error.cleanupFailures
    }

    /// The code, if this version knows it.
    public var knownCode: MountError.Code? { MountError.Code(rawValue: code) }

    /// The names on the wire.
    public enum CodingKeys: String, CodingKey {
        case type, title, status, detail, code, hint, operation, source
        case filesystemType = "filesystem_type"
        case target
        case systemCall = "system_call"
        case errno
        case kernelMessages = "kernel_messages"
        case cleanupFailures = "cleanup_failures"
    }
}

extension MountError.Code {
    /// The code in words, RFC 9457's `title`.
    public var title: String {
        switch self {
        case .invalidArgument: "Invalid argument"
        case .permissionDenied: "Permission denied"
        case .notFound: "Not found"
        case .conflict: "Conflict with what is there"
        case .busy: "Busy"
        case .mountFailed: "Mount failed"
        case .timedOut: "Timed out"
        case .stuck: "Stuck in the kernel"
        case .cancelled: "Cancelled"
        case .foreign: "Something else is mounted there"
        case .unsupported: "Not supported"
        case .resourceExhausted: "Resource exhausted"
        case .unavailable: "Unavailable"
        case .internal: "Internal error"
        }
    }

    /// The one table from codes to HTTP statuses (RFC 9110).
    public var httpStatus: Int {
        switch self {
        case .invalidArgument: 400
        case .permissionDenied: 403
        case .notFound: 404
        case .conflict, .busy, .foreign, .cancelled: 409
        case .mountFailed: 422
        case .timedOut: 504
        case .unsupported: 501
        case .resourceExhausted: 507
        case .stuck, .unavailable: 503
        case .internal: 500
        }
    }
}
