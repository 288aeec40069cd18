// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// A system call that the kernel refused: which, on what, and why in its own words.
public struct SystemCallError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The call by its manual page's name: `fsconfig`, `move_mount`…
    public var call: String
    /// What the kernel answered (`man 3 errno`).
    public var errno: Errno
    /// The path, option or device that the call was about.
    public var subject: String?
    /// Lines that the kernel wrote to the filesystem context or its log.
    public var kernelMessages: [String]

    /// Puts the facts together.
    public init(_ call: String, _ errno: Errno, on subject: String? = nil, kernelMessages: [String] = []) {
        self.call = call
        self.errno = errno
        self.subject = subject
        self.kernelMessages = kernelMessages
    }

    public var description: String {
        let head = subject.map { "\(call) \($0): \(errno)" } ?? "\(call): \(errno)"
        return kernelMessages.isEmpty ? head : "\(head) (\(kernelMessages.joined(separator: "; ")))"
    }

    /// Turns the `-errno` convention of `CLinux` into a value or an error.
    @discardableResult
    package static func check<Value: FixedWidthInteger & SignedInteger>(
        _ result: Value, _ call: String, on subject: @autoclosure () -> String? = nil
    ) throws(SystemCallError) -> Value {
        guard result < 0 else { return result }
        throw SystemCallError(call, Errno(rawValue: CInt(-result)), on: subject())
    }
}
