// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
public import SystemPackage

/// Small files that are copied whole: credentials, keys, configurations.
public enum HostFile {
    /// More than any of them has.
    public static let maximumSize = 1 << 16

    /// Reads a regular file by an absolute path. Blocks as long as its filesystem does.
    ///
    /// It must belong to root, and nobody else may write it: it says whom to trust.
    ///
    /// - Parameters:
    ///   - isSecret: nobody else may read it either.
    ///   - followsLinks: whether a symbolic link may lead to it.
    ///   - limit: how many bytes it has at most.
    /// - Throws: EPERM with what to do for a file of others, EFBIG for more bytes, EINVAL for what is no file, ELOOP
    ///   for a link, else what `openat2` and `read` answer.
    public static func read(
        _ path: FilePath, isSecret: Bool, followsLinks: Bool = false, limit: Int = maximumSize
    ) throws(SystemCallError) -> [UInt8] {
        // Looked at first: opening a FIFO waits for a writer.
        let place =
            followsLinks
            ? try OwnedDescriptor.open(path, flags: hf_o_path, .followingLinks, on: path)
            : try OwnedDescriptor.openForInspection(path)
        let facts = try FileFacts(of: place, on: path)
        guard facts.kind == .regular else {
            throw SystemCallError("openat2", .invalidArgument, on: "\(path) (not a regular file)")
        }
        if isSecret {
            try facts.requireOwn(noMoreThan: 0o600, on: path)
        } else {
            // That it may be executed lets nobody write it.
            try facts.requireOwn(noMoreThan: 0o755, advice: 0o644, on: path)
        }
        let file = try place.reopen(flags: O_RDONLY, on: path)
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1 << 14)
        while bytes.count <= limit {
            let answer = part.withUnsafeMutableBytes { hf_read(file.rawValue, $0.baseAddress, $0.count) }
            let count = try SystemCallError.check(answer, "read", on: path.string)
            if count == 0 { return bytes }
            bytes += part[..<count]
        }
        throw SystemCallError("read", .fileTooLarge, on: "\(path) (more than \(limit) bytes)")
    }

    /// Writes a new file that only its owner can read.
    ///
    /// - Throws: EEXIST, ENOSPC, else what `openat2` and `write` answer.
    public static func write(_ bytes: [UInt8], to path: FilePath) throws(SystemCallError) {
        let file = try OwnedDescriptor.open(absolute: path, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { hf_write(file.rawValue, $0.baseAddress, $0.count) }
            rest = rest.dropFirst(try SystemCallError.check(written, "write", on: path.string))
        }
    }
}
