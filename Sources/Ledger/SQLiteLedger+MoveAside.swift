// SPDX-License-Identifier: Apache-2.0

public import MountModel
public import SystemPackage

extension SQLiteLedger {
    /// Moves a ledger that cannot be read out of the way: `ledger.sqlite` becomes `ledger.sqlite.unreadable-<n>`, and
    /// its log and index go with it (`…-<n>-wal`), so that `sqlite3` still finds them together. Nothing is overwritten,
    /// changed or deleted. Blocks (`man 2 rename`, `man 2 fsync`).
    ///
    /// To be called only after `open` has thrown `unreadable`, with the daemon's lock held.
    ///
    /// - Returns: the name that the ledger has now, or the first of what there was of one.
    /// - Throws: `not_found` where there is nothing to move; `unavailable` where a file cannot be moved.
    public static func moveAside(in folder: FilePath) throws(MountError) -> FilePath {
        do throws(LedgerOpenError) {
            return try LedgerFiles(folder: folder).moveAside()
        } catch {
            throw error.error
        }
    }
}

extension LedgerFiles {
    /// Moves an unreadable ledger aside, and says in the error where it is, or why it is still where it was.
    func movingAside(after failure: LedgerOpenError) -> LedgerOpenError {
        guard failure.reason == .unreadable else { return failure }
        var failure = failure
        do throws(LedgerOpenError) {
            failure.movedTo = try moveAside()
        } catch {
            failure.error.cleanupFailures.append(error.error.message)
        }
        return failure
    }

    /// Renames whatever there is of a ledger.
    func moveAside() throws(LedgerOpenError) -> FilePath {
        // The ledger first: if this is interrupted, the log that is left alone stops `open`, whereas a ledger without
        // its log would look whole and be of yesterday.
        let suffixes = try suffixes(of: SQLiteLedger.fileName)
        if suffixes.isEmpty {
            throw LedgerOpenError(.unavailable, MountError(.notFound, "cannot move \(file) aside: it does not exist"))
        }
        let name = try asideName(for: suffixes)
        for suffix in suffixes { try rename(SQLiteLedger.fileName + suffix, to: name + suffix) }
        try sync(folder)
        let moved = try self.suffixes(of: name)
        return folder.appending(name + (moved.contains("") ? "" : suffixes[0]))
    }

    /// A number that none has yet; for what an interrupted move has left behind, that move's number. Only the daemon,
    /// which holds its lock, makes names here.
    private func asideName(for suffixes: [String]) throws(LedgerOpenError) -> String {
        guard let last = try survey().asideNumbers.last else { return LedgerSurvey.asideName(1) }
        let moved = try self.suffixes(of: LedgerSurvey.asideName(last))
        let continues = !suffixes.contains("") && moved.contains("") && suffixes.allSatisfy { !moved.contains($0) }
        return LedgerSurvey.asideName(continues ? last : last + 1)
    }
}
