// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
public import SystemPackage

/// The number of a mountpoint's operation lock. Two mountpoints with one number wait for each other, which harms
/// nobody.
public struct OperationLock: RawRepresentable, Hashable, Sendable {
    /// An offset in the file of locks.
    public let rawValue: UInt64

    /// Takes the number as it is, but for its highest bit: offsets have a sign.
    public init(rawValue: UInt64) { self.rawValue = rawValue & (UInt64.max >> 1) }
}

/// The locks that workers hold while they act, one byte each of one file: a restarted daemon sees where one of its
/// predecessor's workers is still about to act.
///
/// They belong to the open file (F_OFD_SETLK, `man 2 fcntl`): each worker opens it for itself, so that the kernel
/// releases its locks with the process, and nothing that it starts inherits them.
public struct OperationLocks: ~Copyable, Sendable {
    private static let attempts = 16
    private let path: FilePath
    private var file: OwnedDescriptor

    /// Opens the file, and makes it if it is missing (mode 0600).
    ///
    /// - Throws: as `openat2` answers; ELOOP for a symbolic link.
    public init(at path: FilePath) throws(SystemCallError) {
        self.path = path
        file = try Self.open(path)
    }

    private static func open(_ path: FilePath) throws(SystemCallError) -> OwnedDescriptor {
        try .open(absolute: path, flags: O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
    }

    /// Waits until nobody else holds the lock, and takes it, in the file that is at the path now: somebody may have
    /// removed the one before. Blocks the thread for as long.
    ///
    /// - Throws: what `openat2` and `fcntl` answer; EAGAIN for a file that is replaced again and again.
    public mutating func lock(_ lock: OperationLock) throws(SystemCallError) {
        for _ in 0..<Self.attempts {
            try SystemCallError.check(hf_lock_byte(file.rawValue, lock.rawValue), "fcntl", on: "an operation lock")
            if try FileFacts(of: file, on: path).isStill(at: path) { return }
            file = try Self.open(path)
        }
        throw SystemCallError("fcntl", .wouldBlock, on: "\(path) (the file is being replaced again and again)")
    }

    /// Lets go of it.
    ///
    /// - Throws: what `fcntl` answers.
    public func unlock(_ lock: OperationLock) throws(SystemCallError) {
        try SystemCallError.check(hf_unlock_byte(file.rawValue, lock.rawValue), "fcntl", on: "an operation lock")
    }

    /// Whether a worker holds the lock now. Does not block.
    ///
    /// - Throws: what `fcntl` answers.
    public func isHeld(_ lock: OperationLock) throws(SystemCallError) -> Bool {
        try SystemCallError.check(hf_is_locked(file.rawValue, lock.rawValue, 1), "fcntl", on: "an operation lock") == 1
    }

    /// Whether a worker holds any lock. Does not block.
    ///
    /// - Throws: what `fcntl` answers.
    public func isAnyHeld() throws(SystemCallError) -> Bool {
        try SystemCallError.check(hf_is_locked(file.rawValue, 0, 0), "fcntl", on: "the operation locks") == 1
    }
}
