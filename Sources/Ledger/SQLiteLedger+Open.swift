// SPDX-License-Identifier: Apache-2.0

import GRDB
internal import Glibc
public import MountModel
public import SystemPackage

extension SQLiteLedger {
    /// Opens the ledger in a folder for this process alone, and makes it where there is none.
    ///
    /// The folder must be the caller's with mode 0700 (it is created so; the folder above must exist). The whole file
    /// is read once and checked, and what was read is made durable. A new one for which the disk has no room is made
    /// by the first commit that finds some. Blocks: call it at start-up, or from a thread that may wait.
    ///
    /// - Parameters:
    ///   - folder: the state folder.
    ///   - movesUnreadableAside: whether one that is `unreadable` is moved aside as ``moveAside(in:)`` does it, before
    ///     SQLite closes it; the error then says where it is. Without it SQLite, when it closes one that a crash has
    ///     left, copies the committed pages of its log into it.
    ///   - copyFolder: where a copy is saved if others take the files away from an open ledger, as ``checkPlace()`` has
    ///     it: a folder of the caller's alone. Nil: nowhere.
    ///   - waitingLimit: how many changes may wait for the next transaction.
    ///   - steps: a hook for tests.
    ///   - onIndefinite: ends the process, after a failed commit of which nobody can tell whether it is durable.
    /// - Throws: why, in a form to decide by. Nothing is written to a ledger that is `unreadable` or newer.
    public static func open(
        at folder: FilePath, movesUnreadableAside: Bool = false, savingCopiesIn copyFolder: FilePath? = nil,
        waitingLimit: Int = 4096, steps: LedgerSteps = .none,
        onIndefinite: @escaping @Sendable (MountError) -> Never = SQLiteLedger.stopProcess
    ) throws(LedgerOpenError) -> SQLiteLedger {
        let files = LedgerFiles(folder: folder)
        let opened: LedgerPlace
        do throws(LedgerOpenError) {
            try files.prepare()
            opened = try LedgerPlace(of: files)
        } catch {
            throw movesUnreadableAside ? files.movingAside(after: error) : error
        }
        let database = try connect(files, movesUnreadableAside: movesUnreadableAside)
        let place: LedgerPlace
        let hasTables = try isMade(files, in: database)
        do throws(MountError) {
            place = hasTables ? try opened.made() : opened
        } catch {
            throw LedgerOpenError(.unavailable, error)
        }
        return SQLiteLedger(
            database: database, files: files, place: place, copyFolder: copyFolder, waitingLimit: waitingLimit,
            writer: LedgerWriter(file: files.file, steps: steps, onIndefinite: onIndefinite))
    }

    /// Whether the tables are there; not where the disk had no room for them.
    static func isMade(_ files: LedgerFiles, in database: DatabaseQueue) throws(LedgerOpenError) -> Bool {
        let preparation = LedgerPreparation(file: files.file)
        do {
            return try database.inDatabase { try !preparation.isEmpty($0) }
        } catch {
            throw preparation.openError(error)
        }
    }

    /// Makes the tables where the disk had no room for them when the ledger was opened.
    static func make(
        _ files: LedgerFiles, in database: Database, at place: LedgerPlace
    ) throws(MountError) -> LedgerPlace {
        try place.check()
        let preparation = LedgerPreparation(file: files.file)
        do {
            try preparation.prepare(database)
        } catch {
            throw preparation.openError(error).error
        }
        return try place.made()
    }

    static func connect(
        _ files: LedgerFiles, movesUnreadableAside: Bool
    ) throws(LedgerOpenError) -> DatabaseQueue {
        guard SQLiteSystemCalls.areReplaced else { throw files.unavailable("use SQLite", "xSetSystemCall", ENOSYS) }
        let preparation = LedgerPreparation(file: files.file)
        var configuration = Configuration()
        configuration.label = "holdfast.ledger"
        configuration.busyMode = .immediateError
        configuration.foreignKeysEnabled = true
        // The writer decides for itself what an open transaction means; GRDB would end the process without a word.
        configuration.allowsUnsafeTransactions = true
        configuration.prepareDatabase { database in
            do {
                try preparation.prepare(database)
            } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
                guard try preparation.isEmpty(database) else { throw preparation.openError(error) }
            } catch {
                let failure = preparation.openError(error)
                // Here, because the connection is still open: SQLite leaves a log alone whose database has been
                // renamed.
                throw movesUnreadableAside ? files.movingAside(after: failure) : failure
            }
        }
        do {
            return try DatabaseQueue(path: files.file.string, configuration: configuration)
        } catch {
            throw preparation.openError(error)
        }
    }
}
