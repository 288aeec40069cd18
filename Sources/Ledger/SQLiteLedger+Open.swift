// SPDX-License-Identifier: Apache-2.0

import GRDB
public import MountModel
public import SystemPackage

extension SQLiteLedger {
    /// Opens the ledger in a folder for this process alone, and makes it where there is none.
    ///
    /// The folder must be the caller's with mode 0700 (it is created so; the folder above must exist). The whole file is
    /// read once and checked. Blocks: call it at start-up, or from a thread that may wait.
    ///
    /// - Parameters:
    ///   - folder: the state folder.
    ///   - waitingLimit: how many changes may wait for the next transaction.
    ///   - steps: a hook for tests.
    ///   - onIndefinite: ends the process, after a failed commit of which nobody can tell whether it is durable.
    /// - Throws: why, in a form to decide by. Nothing is written to a ledger that is `unreadable` or newer, except that
    ///   SQLite, when it closes one that a crash has left, copies the committed pages of its log into it.
    public static func open(
        at folder: FilePath, waitingLimit: Int = 4096, steps: LedgerSteps = .none,
        onIndefinite: @escaping @Sendable (MountError) -> Never = SQLiteLedger.stopProcess
    ) throws(LedgerOpenError) -> SQLiteLedger {
        let files = LedgerFiles(folder: folder)
        try files.prepare()
        let database = try connect(to: files.file)
        return SQLiteLedger(
            database: database, waitingLimit: waitingLimit,
            writer: LedgerWriter(file: files.file, steps: steps, onIndefinite: onIndefinite),
            reader: LedgerReader(file: files.file))
    }

    private static func connect(to file: FilePath) throws(LedgerOpenError) -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "holdfast.ledger"
        configuration.busyMode = .immediateError
        configuration.foreignKeysEnabled = true
        // The writer decides for itself what an open transaction means; GRDB would end the process without a word.
        configuration.allowsUnsafeTransactions = true
        configuration.prepareDatabase { database in
            // Before the file is first read: so the log's index stays in memory, and a second opener is refused.
            try database.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
            try database.execute(sql: "PRAGMA trusted_schema = OFF")
            try database.execute(sql: "PRAGMA cell_size_check = ON")
            try database.execute(sql: "PRAGMA temp_store = MEMORY")
        }
        do {
            let database = try DatabaseQueue(path: file.string, configuration: configuration)
            do {
                try database.inDatabase { try prepare($0, file: file) }
            } catch {
                try database.close()
                throw error
            }
            return database
        } catch {
            throw openError(error, file: file)
        }
    }

    private static func prepare(_ database: Database, file: FilePath) throws {
        let version = try identify(database, file: file)
        // It finds broken pages and rows that break the schema; a flipped bit inside a text can pass it.
        let finding = try String.fetchOne(database, sql: "PRAGMA quick_check(1)") ?? "nothing"
        guard finding == "ok" else {
            throw LedgerOpenError(.unreadable, damaged(file, "SQLite's quick_check says '\(finding)'"))
        }
        if let orphan = try Row.fetchOne(database, sql: "PRAGMA foreign_key_check") {
            throw LedgerOpenError(.unreadable, damaged(file, "a row has lost the one that it belongs to: \(orphan)"))
        }
        try require(database, "journal_mode = WAL", "wal")
        try database.setSynchronous(.full)
        try LedgerSchema.migrate(database, from: version)
        try database.setSynchronous(.normal)
        // Read back, because SQLite ignores a pragma that it does not know or cannot follow.
        try require(database, "locking_mode", "exclusive")
        try require(database, "synchronous", "\(SynchronousLevel.normal.rawValue)")
        try require(database, "foreign_keys", "1")
        try require(database, "trusted_schema", "0")
        try require(database, "cell_size_check", "1")
        try require(database, "busy_timeout", "0")
    }

    /// The schema's version; 0 for a file that is still empty. Nothing is written before this has answered.
    private static func identify(_ database: Database, file: FilePath) throws -> Int {
        let application = try Int64.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
        if application == 0, version == 0, tables == 0 { return 0 }
        guard application == LedgerSchema.applicationID, version > 0 else {
            throw LedgerOpenError(.unreadable, damaged(file, "it is a database, but not a ledger of Holdfast's"))
        }
        guard version <= LedgerSchema.version else {
            throw LedgerOpenError(
                .newerSchema,
                MountError(
                    .unsupported,
                    "cannot open the ledger \(file): it has version \(version), and this holdfastd knows versions up to "
                        + "\(LedgerSchema.version)",
                    context: MountError.Context(operation: "open", target: file.string),
                    hint: "run the newer holdfastd again"))
        }
        return version
    }

    private static func require(_ database: Database, _ pragma: String, _ expected: String) throws {
        let found = try String.fetchOne(database, sql: "PRAGMA \(pragma)") ?? "nothing"
        guard found == expected else {
            throw MountError(.unavailable, "SQLite answers '\(found)' to PRAGMA \(pragma); '\(expected)' is needed")
        }
    }

    private static func damaged(_ file: FilePath, _ what: String) -> MountError {
        MountError(
            .internal, "cannot read the ledger \(file): \(what)",
            context: MountError.Context(operation: "open", target: file.string),
            hint: "it can be moved aside; it is never overwritten")
    }

    private static func openError(_ error: any Error, file: FilePath) -> LedgerOpenError {
        if let error = error as? LedgerOpenError { return error }
        let failure = LedgerFailure(file: file, operation: "open")
        guard let databaseError = error as? DatabaseError else {
            return LedgerOpenError(.unavailable, failure.error(error))
        }
        switch databaseError.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_CONSTRAINT:
            return LedgerOpenError(.unreadable, damaged(file, LedgerFailure.words(of: databaseError)))
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return LedgerOpenError(
                .inUse,
                MountError(
                    .unavailable,
                    "cannot open the ledger \(file): it is already open (\(LedgerFailure.words(of: databaseError)))",
                    context: MountError.Context(operation: "open", target: file.string),
                    hint: "is another holdfastd running?"))
        default:
            return LedgerOpenError(.unavailable, failure.error(error))
        }
    }
}
