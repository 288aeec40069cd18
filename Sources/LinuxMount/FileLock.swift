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
    /// Creates the file (mode 0600) if it is missing. On a filesystem that is mounted read-only the file is locked as
    /// it is, or its folder where there is none. A full disk keeps the process id out of the file, and nothing else.
    ///
    /// - Parameter limit: how long to wait for one that is held: a process that was killed holds it until it has ended.
    ///   Blocks the thread for as long.
    /// - Throws: `EAGAIN` if it is held, with `held by pid N` in the subject; `ELOOP` for a symbolic link in the path;
    ///   `EINVAL` for something that is not a regular file; `EPERM` for a file that another user owns or may write.
    public static func acquire(at path: FilePath, waiting limit: Duration = .zero) throws(SystemCallError) -> FileLock {
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        while true {
            do throws(SystemCallError) {
                return try acquireNow(at: path)
            } catch {
                guard error.errno == .wouldBlock, clock.now < deadline else { throw error }
                usleep(pause)
            }
        }
    }

    /// Who holds the lock, such as `pid 7`; nil where nobody does, or there is no such file. Whoever wants to take it
    /// in this moment is refused, as by another holder.
    ///
    /// - Throws: why the file cannot be opened or read.
    public static func holder(at path: FilePath) throws(SystemCallError) -> String? {
        let file: OwnedDescriptor
        do throws(SystemCallError) {
            file = try OwnedDescriptor.open(absolute: path, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw error
        }
        let result = hf_flock_shared_now(file.rawValue)
        if result == -EWOULDBLOCK { return try holder(of: file, at: path) }
        try SystemCallError.check(result, "flock", on: path.string)
        return nil
    }

    /// Between two attempts, in microseconds.
    private static let pause: UInt32 = 20_000

    private static func acquireNow(at path: FilePath) throws(SystemCallError) -> FileLock {
        for _ in 0..<attempts {
            let medium = try open(path)
            let facts = try FileFacts(of: medium.file, on: medium.path)
            guard facts.kind == (medium.isFolder ? .folder : .regular) else {
                throw SystemCallError("open", .invalidArgument, on: "\(path) (not a regular file)")
            }
            guard facts.user == geteuid(), !facts.isWritableByOthers else {
                throw SystemCallError(
                    "open", .notPermitted, on: "\(path) (owned or writable by other users: remove it)")
            }
            let result = hf_flock_exclusive_now(medium.file.rawValue)
            if result == -EWOULDBLOCK {
                let holder = medium.isFolder ? "another process" : try holder(of: medium.file, at: path)
                throw SystemCallError("flock", .wouldBlock, on: "\(path) (held by \(holder))")
            }
            try SystemCallError.check(result, "flock", on: path.string)
            // Somebody may have removed or replaced the file between the open and the lock; then the next process would
            // lock another one.
            guard try facts.isStill(at: medium.path) else { continue }
            if medium.isWritable { try writeProcess(into: medium.file, at: path) }
            return FileLock(file: medium.file)
        }
        throw SystemCallError("flock", .wouldBlock, on: "\(path) (the file is being replaced again and again)")
    }

    /// What is locked.
    private struct Medium: ~Copyable {
        let file: OwnedDescriptor
        let path: FilePath
        var isWritable = false
        var isFolder = false
    }

    private static func open(_ path: FilePath) throws(SystemCallError) -> Medium {
        let flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
        do throws(SystemCallError) {
            let file = try OwnedDescriptor.open(absolute: path, flags: O_RDWR | O_CREAT | flags, mode: 0o600)
            return Medium(file: file, path: path, isWritable: true)
        } catch {
            guard error.errno == .readOnlyFileSystem else { throw error }
        }
        do throws(SystemCallError) {
            return Medium(file: try OwnedDescriptor.open(absolute: path, flags: O_RDONLY | flags), path: path)
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
        }
        let folder = path.removingLastComponent()
        let file = try OwnedDescriptor.open(absolute: folder, flags: O_RDONLY | O_DIRECTORY | flags)
        return Medium(file: file, path: folder, isFolder: true)
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
            return "another process"
        }
        // Between the holder's lock and its write the file is empty or says who had it before.
        guard let process = Int32(line), process > 0 else { return "another process" }
        return "pid \(process)"
    }

    /// Over what is there, and only then cut to length: on a full disk a file that was emptied first may stay empty.
    private static func writeProcess(
        into file: borrowing OwnedDescriptor, at path: FilePath
    ) throws(SystemCallError) {
        let line = Array("\(getpid())\n".utf8)
        let written = hf_write(file.rawValue, line, line.count)
        var length = 0
        if !isForWantOfSpace(written) {
            length = try SystemCallError.check(written, "write", on: path.string)
            guard length == line.count else { throw SystemCallError("write", .noSpace, on: path.string) }
        }
        // Without space the lock holds all the same; but it is not whose id is in the file. Where a filesystem copies
        // on write, even the cut needs space, and the old id stays.
        let cut = hf_truncate(file.rawValue, numericCast(length))
        if !isForWantOfSpace(Int(cut)) { try SystemCallError.check(cut, "ftruncate", on: path.string) }
    }

    private static func isForWantOfSpace(_ result: Int) -> Bool {
        result == -Int(ENOSPC) || result == -Int(EDQUOT)
    }
}
