// SPDX-License-Identifier: Apache-2.0

import Glibc
import MountModel
import Synchronization
import SystemPackage

/// Which files an open ledger is, so that it is noticed when others take them away, or cut them: SQLite goes on writing
/// to what nobody will find again. All of it blocks.
struct LedgerPlace: Sendable {
    private let files: LedgerFiles
    private var opened: [Opened]
    /// That one of them was cut: nothing makes good for that, not even the size that it had.
    private let cut = Cut()

    private struct Opened: Sendable {
        let path: FilePath
        let device: dev_t
        let inode: ino_t
        /// What it had at least when SQLite had last written to it.
        var size: off_t
    }

    private final class Cut: Sendable {
        let what = Mutex<String?>(nil)
    }

    /// Remembers the database, which is there and which SQLite opens.
    init(of files: LedgerFiles) throws(LedgerOpenError) { try self.init(of: files, [""]) }

    private init(of files: LedgerFiles, _ suffixes: [String]) throws(LedgerOpenError) {
        self.files = files
        var opened: [Opened] = []
        for suffix in suffixes {
            let path = files.folder.appending(SQLiteLedger.fileName + suffix)
            guard let found = try files.status(of: path) else {
                throw files.unavailable("find \(path) again", "lstat", ENOENT)
            }
            opened.append(Opened(path: path, device: found.st_dev, inode: found.st_ino, size: found.st_size))
        }
        self.opened = opened
    }

    /// Whether the log is remembered too; not where the disk has had no room yet to make the tables.
    var isMade: Bool { opened.count > 1 }

    /// Whether one of the files was cut.
    var isCut: Bool { cut.what.withLock { $0 != nil } }

    /// The same with the log, which SQLite has just opened, if the database has been in its place all the time.
    func made() throws(MountError) -> LedgerPlace {
        let made: LedgerPlace
        do throws(LedgerOpenError) { made = try LedgerPlace(of: files, ["", "-wal"]) } catch { throw error.error }
        try check()
        return made
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
            if found.st_size < file.size {
                cut.what.withLock { $0 = "\(file.path) was cut from \(file.size) to \(found.st_size) bytes" }
            }
        }
        if let what = cut.what.withLock({ $0 }) { throw lost(what) }
    }

    /// The same with the sizes that the files have now that SQLite has written to them, where they can be looked at; it
    /// never makes a file smaller but by the checkpoint that follows a failed sync.
    func written() -> LedgerPlace {
        var written = self
        for index in opened.indices {
            if let found = try? files.status(of: opened[index].path) { written.opened[index].size = found.st_size }
        }
        return written
    }

    private func lost(_ what: String) -> MountError {
        MountError(
            .unavailable, "the ledger was taken from under holdfastd: \(what)",
            context: MountError.Context(operation: "commit", target: files.file.string),
            hint: isMade
                ? "nothing is recorded before it is back; 'holdfast doctor' says what to do"
                : "restart holdfastd: nothing was recorded yet")
    }
}
