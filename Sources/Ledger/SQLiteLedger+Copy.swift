// SPDX-License-Identifier: Apache-2.0

import GRDB
import Glibc
internal import MountModel
public import SystemPackage

extension SQLiteLedger {
    /// Reads a ledger that cannot be opened where it is, such as on a filesystem that is mounted read-only: SQLite
    /// needs to write beside a database that has a log. Database and log are copied, and the copy is read, checked and
    /// removed.
    ///
    /// To be called with the daemon's lock held. Blocks.
    ///
    /// - Parameters:
    ///   - folder: the state folder; nothing in it is changed.
    ///   - scratch: a folder for the copy, made with mode 0700; its parent is the caller's alone.
    /// - Throws: `unreadable` where the copy is, `unavailable` where there is no ledger or it cannot be copied.
    public static func readCopy(
        of folder: FilePath, in scratch: FilePath
    ) throws(LedgerOpenError) -> LedgerContents {
        let (original, copy) = (LedgerFiles(folder: folder), LedgerFiles(folder: scratch))
        let suffixes = try original.suffixes(of: fileName)
        guard suffixes.contains("") else { throw original.unavailable("read \(original.file)", "lstat", ENOENT) }
        try copy.prepareFolder()
        // What an earlier attempt has left would be taken for the copy's log.
        try copy.removeAll()
        let result: Result<LedgerContents, LedgerOpenError>
        do throws(LedgerOpenError) {
            for suffix in suffixes { try copy.copy(fileName + suffix, from: folder) }
            result = .success(try contents(of: copy))
        } catch {
            result = .failure(error)
        }
        try copy.removeAll()
        // A folder that stays is used again.
        // SAFETY: the pointer lives as long as the closure, and rmdir keeps none.
        _ = scratch.withPlatformString { rmdir($0) }
        return try result.get()
    }

    private static func contents(of files: LedgerFiles) throws(LedgerOpenError) -> LedgerContents {
        try files.prepare()
        let database = try connect(files, movesUnreadableAside: false)
        let preparation = LedgerPreparation(file: files.file)
        do {
            let contents = try database.inDatabase {
                try preparation.isEmpty($0) ? LedgerContents() : LedgerReader(file: files.file).contents(of: $0)
            }
            try database.close()
            return contents
        } catch {
            throw preparation.openError(error)
        }
    }
}

extension LedgerFiles {
    /// Copies one file into this folder.
    func copy(_ name: String, from other: FilePath) throws(LedgerOpenError) {
        let source = other.appending(name)
        do {
            let input = try FileDescriptor.open(source, .readOnly, options: [.noFollow, .closeOnExec])
            try input.closeAfter {
                let output = try FileDescriptor.open(
                    folder.appending(name), .writeOnly, options: [.create, .exclusiveCreate, .noFollow, .closeOnExec],
                    permissions: [.ownerReadWrite])
                try output.closeAfter { try Self.copy(input, to: output) }
            }
        } catch {
            throw unavailable("copy \(source) into \(folder)", "read", (error as? Errno)?.rawValue ?? EIO)
        }
    }

    private static func copy(_ input: FileDescriptor, to output: FileDescriptor) throws {
        try withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) { buffer in
            while true {
                let count = try input.read(into: buffer)
                if count == 0 { return }
                try output.writeAll(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
        }
    }

    /// Removes a copy's files.
    func removeAll(_ name: String = SQLiteLedger.fileName) throws(LedgerOpenError) {
        for suffix in try suffixes(of: name) {
            let path = folder.appending(name + suffix)
            // SAFETY: the pointer lives as long as the closure, and unlink keeps none.
            let result = path.withPlatformString { unlink($0) }
            guard result == 0 || errno == ENOENT else { throw unavailable("remove \(path)", "unlink", errno) }
        }
    }
}
