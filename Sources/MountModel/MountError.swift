// SPDX-License-Identifier: Apache-2.0

/// What every part of Holdfast above `LinuxMount` throws: what failed, why in the kernel's words, and what to do.
public struct MountError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure; scripts and servers decide by it.
    public var code: Code
    /// One sentence for a person: "cannot mount … on …: …".
    public var message: String
    /// The facts behind the sentence.
    public var context: Context
    /// What to do about it.
    public var hint: String?
    /// What failed while the operation was being undone; empty where nothing is left behind.
    public var cleanupFailures: [String] = []

    /// Puts the parts together.
    public init(_ code: Code, _ message: String, context: Context = Context(), hint: String? = nil) {
        self.code = code
        self.message = message
        self.context = context
        self.hint = hint
    }

    /// A caller's mistake: nothing was changed.
    public static func invalidArgument(_ message: String, hint: String? = nil) -> MountError {
        MountError(.invalidArgument, message, hint: hint)
    }

    public var description: String {
        ([message] + cleanupFailures.map { "and while cleaning up: \($0)" } + (hint.map { ["hint: \($0)"] } ?? []))
            .joined(separator: "; ")
    }

    /// The stable names of the kinds of failure.
    public enum Code: String, Sendable, CaseIterable {
        case invalidArgument = "invalid_argument"
        case permissionDenied = "permission_denied"
        case notFound = "not_found"
        case conflict
        case busy
        case mountFailed = "mount_failed"
        case timedOut = "timed_out"
        case stuck
        case cancelled
        case foreign
        case unsupported
        case resourceExhausted = "resource_exhausted"
        case unavailable
        case `internal`
    }

    /// The facts of a failure; what is not known is nil.
    public struct Context: Hashable, Sendable {
        /// What was being done: `attach`, `build`, `place`, `unmount`, `inspect`, `commit`…
        public var operation: String?
        /// The filesystem's type.
        public var type: String?
        /// The canonical source.
        public var source: String?
        /// The mountpoint.
        public var target: String?
        /// The system call that failed, by its manual page's name.
        public var systemCall: String?
        /// Its errno.
        public var errno: Int32?
        /// What the kernel wrote about it, a line each.
        public var kernelMessages: [String]

        /// Puts the facts together.
        public init(
            operation: String? = nil, type: String? = nil, source: String? = nil, target: String? = nil,
            systemCall: String? = nil, errno: Int32? = nil, kernelMessages: [String] = []
        ) {
            self.operation = operation
            self.type = type
            self.source = source
            self.target = target
            self.systemCall = systemCall
            self.errno = errno
            self.kernelMessages = kernelMessages
        }
    }
}
