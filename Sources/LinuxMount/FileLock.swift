// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
public import SystemPackage

/// The lock that lets one process of a kind run: `flock` on a file of its own (`man 2 flock`).
///
/// The kernel releases it when the process ends, however that happens. It is close-on-exec, so programs that the holder
/// starts do not keep it; a child that forks without `execve` does, and must close it. The file stays: removing it
/// would let two processes hold locks on two files of one name.
public struct FileLock: ~Copyable, Sendable {
    private static let attempts = 16
    private let file: OwnedDescriptor

    /// Takes the lock or says who has it; writes the own process id into the file for whoever looks.
    ///
    /// Creates the file (mode 0600) if it is missing. Does not wait.
    ///
    /// - Throws: `EAGAIN` if it is held, with `held by pid N` in the subject; `ELOOP` for a symbolic link in the path;
    ///   `EINVAL` for something that is not a regular file; `EPERM` for a file that another user owns or may write.
    public static func acquire(at path: FilePath) throws(SystemCallError) -> FileLock {
        for _ in 0..<attempts {
            let file = try OwnedDescriptor.open(
                absolute: path, flags: O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode: 0o600)
            let facts = try FileFacts(of: file, on: path)
            guard facts.kind == .regular else {
                throw SystemCallError("open", .invalidArgument, on: "\(path) (not a regular file)")
            }
            guard facts.user == geteuid(), !facts.isWritableByOthers else {
                throw SystemCallError(
                    "open", .notPermitted, on: "\(path) (owned or writable by other users: remove it)")
            }
            let result = hf_flock_exclusive_now(file.rawValue)
            if result == -EWOULDBLOCK {
                throw SystemCallError("flock", .wouldBlock, on: "\(path) (\(try holder(of: file, at: path)))")
            }
            try SystemCallError.check(result, "flock", on: path.string)
            // Somebody may have removed or replaced the file between the open and the lock; then the next process would
            // lock another one.
            guard try isStill(facts.identity, at: path) else { continue }
            try writeProcess(into: file, at: path)
            return FileLock(file: file)
        }
        throw SystemCallError("flock", .wouldBlock, on: "\(path) (the file is being replaced again and again)")
    }

    /// Releases the lock now; the end of the value does it too.
    ///
    /// - Throws: what `flock` or `close` answers; the lock is released all the same.
    public consuming func release() throws(SystemCallError) {
        // Not by the close alone: a child between fork and exec has a copy of the descriptor.
        let result = hf_flock_release(file.rawValue)
        try file.close()
        try SystemCallError.check(result, "flock", on: "LOCK_UN")
    }

    private static func holder(
        of file: borrowing OwnedDescriptor, at path: FilePath
    ) throws(SystemCallError) -> String {
        let line: String
        do {
            line = try SmallFile.firstLine(of: file, named: path.string)
        } catch let error where error.errno == .illegalByteSequence {
            return "held by another process"
        }
        // Between the holder's lock and its write the file is empty or says who had it before.
        guard let process = Int32(line), process > 0 else { return "held by another process" }
        return "held by pid \(process)"
    }

    private static func isStill(_ identity: FileFacts.Identity, at path: FilePath) throws(SystemCallError) -> Bool {
        do {
            return try FileFacts(ofAbsolute: path).identity == identity
        } catch let error where error.errno == .noSuchFileOrDirectory {
            return false
        }
    }

    private static func writeProcess(
        into file: borrowing OwnedDescriptor, at path: FilePath
    ) throws(SystemCallError) {
        try SystemCallError.check(hf_truncate(file.rawValue, 0), "ftruncate", on: path.string)
        let line = Array("\(getpid())\n".utf8)
        let written = try SystemCallError.check(hf_write(file.rawValue, line, line.count), "write", on: path.string)
        guard written == line.count else { throw SystemCallError("write", .noSpace, on: path.string) }
    }
}
