// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

/// Reads the one-line files of `/proc` and `/sys`, and lock files.
enum SmallFile {
    /// More than the kernel writes into any file read here.
    static let capacity = 256

    /// The first line of a file, at most ``capacity`` bytes, without its end.
    ///
    /// - Throws: what `openat2` and `read` answer; `EILSEQ` for text that is not ASCII.
    static func firstLine(of path: String) throws(SystemCallError) -> String {
        let path = FilePath(path)
        return try firstLine(of: .open(path, flags: O_RDONLY, .followingLinks, on: path), named: path.string)
    }

    /// The first line of an open file, from its start.
    static func firstLine(
        of file: borrowing OwnedDescriptor, named subject: String
    ) throws(SystemCallError) -> String {
        var bytes = [UInt8](repeating: 0, count: capacity)
        let count = try SystemCallError.check(hf_read_at(file.rawValue, &bytes, capacity, 0), "pread", on: subject)
        let line = bytes.prefix(count).prefix { $0 != UInt8(ascii: "\n") }
        guard line.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) else {
            throw SystemCallError("pread", .illegalByteSequence, on: "\(subject) (its first line is not plain text)")
        }
        return String(decoding: line, as: UTF8.self)
    }
}
