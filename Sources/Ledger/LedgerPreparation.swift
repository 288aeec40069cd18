// SPDX-License-Identifier: Apache-2.0

import GRDB
import MountModel
import SystemPackage

/// What is done on a new connection before anybody may use it: the file is recognised, read whole and checked, brought
/// to this version's tables, and made durable. Nothing is written before all checks have passed. Blocks.
struct LedgerPreparation {
    /// The ledger's file, for messages.
    let file: FilePath

    /// Prepares the connection.
    ///
    /// - Throws: `LedgerOpenError` for what the checks find, SQLite's own errors.
    func prepare(_ database: Database) throws {
        // Before the file is first read: so the log's index stays in memory, and a second opener is refused.
        try database.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
        try database.execute(sql: "PRAGMA trusted_schema = OFF")
        try database.execute(sql: "PRAGMA cell_size_check = ON")
        try database.execute(sql: "PRAGMA temp_store = MEMORY")
        let version = try identify(database)
        let contents = version == 0 ? LedgerContents() : try check(database, version: version)
        try require(database, "journal_mode = WAL", "wal")
        // A change of the mode, as for what VACUUM INTO or .recover of sqlite3 has written, leaves a transaction open.
        try database.inTransaction(.immediate) { .commit }
        try database.setSynchronous(.full)
        try LedgerSchema.migrate(database, from: version, holding: contents)
        try makeDurable(database)
        try database.setSynchronous(.normal)
        // Read back, because SQLite ignores a pragma that it does not know or cannot follow.
        try require(database, "locking_mode", "exclusive")
        try require(database, "synchronous", "\(SynchronousLevel.normal.rawValue)")
        try require(database, "foreign_keys", "1")
        try require(database, "trusted_schema", "0")
        try require(database, "cell_size_check", "1")
        try require(database, "busy_timeout", "0")
    }

    /// Whether nothing is in the file yet.
    func isEmpty(_ database: Database) throws -> Bool { try identify(database) == 0 }

    /// The schema's version; 0 for a file that is still empty.
    private func identify(_ database: Database) throws -> Int {
        let application = try Int64.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
        if application == 0, version == 0, tables == 0 { return 0 }
        guard application == LedgerSchema.applicationID, version > 0 else {
            throw unreadable("it is a database, but not a ledger of Holdfast's")
        }
        guard version <= LedgerSchema.version else {
            throw LedgerOpenError(
                .newerSchema,
                MountError(
                    .unsupported,
                    "cannot open the ledger \(file): it has version \(version), and this holdfastd knows versions up "
                        + "to "
                        + "\(LedgerSchema.version)",
                    context: MountError.Context(operation: "open", target: file.string),
                    hint: "run the newer holdfastd again"))
        }
        return version
    }

    /// Broken pages, rows that break the schema, values that are none, rows that are not as they were written.
    private func check(_ database: Database, version: Int) throws -> LedgerContents {
        switch QuickCheck(firstFinding: try String.fetchOne(database, sql: "PRAGMA quick_check(1)") ?? "nothing") {
        case .sound: break
        case .broken(let finding): throw unreadable("SQLite's quick_check says '\(finding)'")
        case .unread(let error): throw error
        }
        if let orphan = try Row.fetchOne(database, sql: "PRAGMA foreign_key_check") {
            throw unreadable("a row has lost the one that it belongs to: \(orphan)")
        }
        do {
            return try LedgerReader(file: file).contents(of: database, version: version)
        } catch let error as MountError {
            throw LedgerOpenError(.unreadable, error)
        }
    }

    /// Makes durable what has been read: pages that an earlier process wrote without waiting for the device, or for
    /// which a crash ended the wait, are perhaps only in the kernel's cache, and what is answered from them must not be
    /// undone by a power cut.
    ///
    /// The checkpoint syncs the log, copies it into the main file, syncs that, and begins the log afresh. A transaction
    /// of its own then shows that the ledger can be written and that its device can be waited for. On a full disk
    /// neither may fit: that the checkpoint syncs the log before it copies anything is enough.
    private func makeDurable(_ database: Database) throws {
        try unlessFull {
            let isBusy = try Bool.fetchOne(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            guard isBusy == false else { throw DatabaseError(resultCode: .SQLITE_BUSY, message: "checkpoint held up") }
        }
        try unlessFull {
            try database.inTransaction(.immediate) {
                try database.touch()
                return .commit
            }
        }
    }

    private func unlessFull(_ write: () throws -> Void) throws {
        do {
            try write()
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            // The ledger can be read; a change that does not fit is refused when it comes.
        }
    }

    private func require(_ database: Database, _ pragma: String, _ expected: String) throws {
        let found = try String.fetchOne(database, sql: "PRAGMA \(pragma)") ?? "nothing"
        guard found == expected else {
            throw MountError(.unavailable, "SQLite answers '\(found)' to PRAGMA \(pragma); '\(expected)' is needed")
        }
    }

    // MARK: - Errors

    /// What an error means to whoever wanted the ledger.
    func openError(_ error: any Error) -> LedgerOpenError {
        if let error = error as? LedgerOpenError { return error }
        let failure = LedgerFailure(file: file, operation: "open")
        guard let databaseError = error as? DatabaseError else {
            return LedgerOpenError(.unavailable, failure.error(error))
        }
        switch databaseError.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return LedgerOpenError(
                .inUse,
                MountError(
                    .unavailable,
                    "cannot open the ledger \(file): it is already open (\(LedgerFailure.words(of: databaseError)))",
                    context: MountError.Context(operation: "open", target: file.string),
                    hint: "is another holdfastd running?"))
        case .SQLITE_IOERR, .SQLITE_FULL, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH, .SQLITE_NOMEM:
            return LedgerOpenError(.unavailable, failure.error(error))
        default:
            // The folder was found writable: what SQLite still cannot make sense of, or will not write to, is the file.
            return unreadable(LedgerFailure.words(of: databaseError))
        }
    }

    private func unreadable(_ what: String) -> LedgerOpenError {
        LedgerOpenError(
            .unreadable,
            MountError(
                .internal, "cannot read the ledger \(file): \(what)",
                context: MountError.Context(operation: "open", target: file.string),
                hint: "it can be moved aside; it is never overwritten"))
    }
}
