// SPDX-License-Identifier: Apache-2.0

import GRDB
import Glibc
import MountModel
import SystemPackage

/// Which files an open ledger is, so that it is noticed when others take them from their place: SQLite goes on writing
/// to files that nobody will find again. All of it blocks.
struct LedgerPlace: Sendable {
    private let files: LedgerFiles
    private let opened: [Opened]

    private struct Opened: Sendable {
        let path: FilePath
        let device: dev_t
        let inode: ino_t
    }

    /// Remembers the database and its log, which SQLite has just opened.
    init(of files: LedgerFiles) throws(LedgerOpenError) {
        self.files = files
        var opened: [Opened] = []
        for suffix in ["", "-wal"] {
            let path = files.folder.appending(SQLiteLedger.fileName + suffix)
            guard let found = try files.status(of: path) else {
                throw files.unavailable("find \(path) again", "lstat", ENOENT)
            }
            opened.append(Opened(path: path, device: found.st_dev, inode: found.st_ino))
        }
        self.opened = opened
    }

    /// Throws where a path does not lead to the file that is open (`man 2 lstat`, once for each of the two).
    ///
    /// The same file in its place again is as if nothing had been, for nothing was written meanwhile.
    func check() throws(MountError) {
        for file in opened {
            let found: stat?
            do throws(LedgerOpenError) { found = try files.status(of: file.path) } catch { throw error.error }
            guard let found else { throw lost("\(file.path) was removed or moved") }
            guard found.st_dev == file.device, found.st_ino == file.inode else {
                throw lost("\(file.path) is another file now")
            }
        }
    }

    private func lost(_ what: String) -> MountError {
        MountError(
            .unavailable, "the ledger was taken from under holdfastd: \(what)",
            context: MountError.Context(operation: "commit", target: files.file.string),
            hint: "nothing is recorded before it is back; 'holdfast doctor' says what to do")
    }

    /// Writes what the database holds into a new file of the folder.
    func save(_ database: Database, in folder: FilePath) throws -> FilePath {
        let copy = Self.copy(try Self.copies(in: folder) + 1, in: folder)
        try database.execute(sql: "VACUUM INTO ?", arguments: [copy.string])
        return copy
    }

    /// The last copy that was saved in a folder.
    static func lastCopy(in folder: FilePath) throws(LedgerOpenError) -> FilePath? {
        let count = try copies(in: folder)
        return count == 0 ? nil : copy(count, in: folder)
    }

    private static func copies(in folder: FilePath) throws(LedgerOpenError) -> Int {
        let files = LedgerFiles(folder: folder)
        var count = 0
        while try files.status(of: copy(count + 1, in: folder)) != nil { count += 1 }
        return count
    }

    private static func copy(_ number: Int, in folder: FilePath) -> FilePath {
        folder.appending("ledger-saved-\(number).sqlite")
    }
}
