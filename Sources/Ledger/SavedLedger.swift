// SPDX-License-Identifier: Apache-2.0

import GRDB
import Glibc
import MountModel
import Synchronization
import SystemPackage

/// The copy of a ledger whose files were taken away: made when that is noticed, removed when they are back. A start
/// that finds one changes nothing before somebody has decided.
///
/// All of it blocks; `check` and `isThere` belong to the connection's queue, where no two looks overlap.
final class SavedLedger: Sendable {
    private let folder: FilePath?
    private let isMade = Mutex(false)

    private static let unfinishedName = "ledger-saving.sqlite"
    private static let givenUpName = "ledger-given-up.sqlite"

    /// Nothing is made yet.
    ///
    /// - Parameter folder: where it will be, a folder of the caller's alone; nil: nowhere.
    init(in folder: FilePath?) { self.folder = folder }

    /// Whether the files were away at the last look, and a copy was made.
    var isThere: Bool { isMade.withLock { $0 } }

    /// Throws where the files are not in their place, and saves what the database holds; the error's hint says where.
    ///
    /// Outside of a transaction.
    func check(_ place: LedgerPlace, _ database: Database) throws(MountError) {
        do throws(MountError) {
            try place.check()
        } catch {
            // Before the tables are made there is nothing to save.
            throw place.isMade ? saving(database, of: place, after: error) : error
        }
        try remove()
    }

    private func saving(_ database: Database, of place: LedgerPlace, after loss: MountError) -> MountError {
        var loss = loss
        let back =
            place.isCut
            ? "it stays so until a restart, which finds what is left of the files: put a backup in their place first; "
            : "put the same files back, and holdfastd goes on by itself; "
        let stay = back + "it must not be stopped before: what is recorded is nowhere else"
        guard let folder else {
            loss.hint = stay
            return loss
        }
        do {
            // Others may have cleared the folder.
            if try !isThere || LedgerFiles(folder: folder).status(of: Self.copy(in: folder)) == nil {
                try save(database, in: folder)
            }
            let file = loss.context.target ?? SQLiteLedger.fileName
            loss.hint =
                back + "or stop it, remove \(file)-wal if it is there, move \(Self.copy(in: folder)), a copy of all "
                + "that is recorded, to \(file), and start holdfastd; before the host reboots, for the copy's folder "
                + "is usually in memory"
        } catch {
            loss.hint = stay + ", and no copy could be made in \(folder)"
            loss.cleanupFailures.append("\(error)")
            do throws(LedgerOpenError) {
                try LedgerFiles(folder: folder).removeAll(Self.unfinishedName)
            } catch {
                loss.cleanupFailures.append(error.error.message)
            }
        }
        return loss
    }

    /// Under another name first: what has the name is whole, whenever this ends.
    private func save(_ database: Database, in folder: FilePath) throws {
        let files = LedgerFiles(folder: folder)
        let unfinished = folder.appending(Self.unfinishedName)
        try files.removeAll(Self.unfinishedName)
        try database.execute(sql: "VACUUM INTO ?", arguments: [unfinished.string])
        let descriptor = try FileDescriptor.open(unfinished, .readOnly, options: [.noFollow, .closeOnExec])
        try descriptor.closeAfter {
            if fsync(descriptor.rawValue) < 0 { throw Errno(rawValue: errno) }
        }
        try files.rename(Self.unfinishedName, to: LedgerSurvey.savedName)
        try files.sync(folder)
        isMade.withLock { $0 = true }
    }

    /// What is recorded from now on is not in the copy: a power cut must not bring it back.
    private func remove() throws(MountError) {
        guard let folder, isThere else { return }
        let files = LedgerFiles(folder: folder)
        do throws(LedgerOpenError) {
            try files.removeAll(LedgerSurvey.savedName)
            try files.sync(folder)
        } catch {
            var failure = error.error
            failure.message =
                "the ledger is back in its place, but its copy cannot be removed for good: \(failure.message)"
            failure.context.operation = "commit"
            failure.hint =
                "remove \(Self.copy(in: folder)): a start would ask which of the two holds, so nothing is recorded "
                + "before"
            throw failure
        }
        isMade.withLock { $0 = false }
    }

    // MARK: - At a start

    /// The copy's name.
    static func copy(in folder: FilePath) -> FilePath { folder.appending(LedgerSurvey.savedName) }

    /// Gives the copy a name that decides nothing.
    ///
    /// - Returns: its new name.
    static func giveUp(in folder: FilePath) throws(LedgerOpenError) -> FilePath {
        let files = LedgerFiles(folder: folder)
        try files.rename(LedgerSurvey.savedName, to: givenUpName)
        try files.sync(folder)
        return folder.appending(givenUpName)
    }
}
