// SPDX-License-Identifier: Apache-2.0

import GRDB
import MountModel
import SystemPackage

/// Writes a group of changes in one transaction and says of each, definitely, whether it is durable.
///
/// Its functions run on the connection's own dispatch queue and may block there.
struct LedgerWriter: Sendable {
    /// The ledger's file, for messages.
    let file: FilePath
    let steps: LedgerSteps
    /// Ends the process, for a failure whose extent cannot be told.
    let onIndefinite: @Sendable (MountError) -> Never

    /// What became of a group.
    struct Outcome: Sendable {
        /// For each change, in order.
        var results: [Result<Void, MountError>]
        var committed = false
        var overwritten = false
        /// Where the ledger is; nil where it could not be made.
        var place: LedgerPlace?
    }

    /// Commits the group; changes that break the ledger's rules fail alone, anything else fails all of them.
    ///
    /// None is acknowledged that was written to a file that is not in its place any more.
    func commit(_ changes: [LedgerChange], in database: Database, at place: LedgerPlace) -> Outcome {
        var outcome = commit(changes, in: database, checking: place)
        outcome.place = outcome.committed || outcome.overwritten ? place.written() : place
        return outcome
    }

    private func commit(_ changes: [LedgerChange], in database: Database, checking place: LedgerPlace) -> Outcome {
        var results: [Result<Void, MountError>] = []
        do {
            // It cannot be changed inside a transaction. One member that needs the full sync takes the others along.
            let isFullSync = changes.contains { $0.fullSync }
            try database.setSynchronous(isFullSync ? .full : .normal)
            try database.cachedStatement(sql: "BEGIN IMMEDIATE").execute()
            steps.reached(.begun)
            for change in changes {
                if !results.isEmpty { steps.reached(.betweenChanges) }
                results.append(try apply(change, in: database))
            }
            // A transaction that changes no page is not synced, and what it found may be in an earlier one that was
            // not.
            if isFullSync { try database.touch() }
            steps.reached(.beforeCommit)
            try place.check()
        } catch {
            // COMMIT was not tried, so no commit frame was written: once rolled back, nothing can come back.
            rollBack(database, after: error)
            return allFailed(changes, cause(of: error, at: place))
        }
        do {
            try database.cachedStatement(sql: "COMMIT").execute()
        } catch {
            rollBack(database, after: error)
            var outcome = allFailed(changes, error)
            if !Self.leavesNothing(error) {
                overwrite(in: database, after: error)
                outcome.overwritten = true
            }
            return outcome
        }
        steps.reached(.afterCommit)
        return Outcome(results: results, committed: true)
    }

    /// What cannot be read or written may have been taken away.
    private func cause(of error: any Error, at place: LedgerPlace) -> any Error {
        do throws(MountError) { try place.check() } catch { return error }
        return error
    }

    /// One change behind a savepoint, so that its failure takes nothing else along.
    ///
    /// - Throws: what concerns the whole transaction.
    private func apply(_ change: LedgerChange, in database: Database) throws -> Result<Void, MountError> {
        try database.cachedStatement(sql: "SAVEPOINT change").execute()
        let result: Result<Void, MountError>
        do {
            try database.apply(change)
            result = .success(())
        } catch {
            let isOwnFault = error is MountError || (error as? DatabaseError)?.resultCode == .SQLITE_CONSTRAINT
            guard isOwnFault else { throw error }
            try database.cachedStatement(sql: "ROLLBACK TO change").execute()
            result = .failure(failure.error(error, target: change.mountpoint))
        }
        try database.cachedStatement(sql: "RELEASE change").execute()
        return result
    }

    /// Whether a COMMIT that failed like this cannot have left a whole transaction in the log.
    ///
    /// A constraint or a lock is found before anything is written. A full disk refuses a write, and the commit frame is
    /// the last write there is: it is missing, or cut off and fails its checksum. Anything else (an I/O error, above
    /// all of fdatasync) may come after a complete commit frame has reached the file.
    private static func leavesNothing(_ error: any Error) -> Bool {
        switch (error as? DatabaseError)?.resultCode {
        case .SQLITE_CONSTRAINT, .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_READONLY, .SQLITE_FULL: true
        default: false
        }
    }

    /// Makes a failed COMMIT definite, or ends the process.
    ///
    /// A sync that failed may leave a valid commit frame in the write-ahead log, which a crash would revive although
    /// the caller was told that the change failed. A small transaction is written over it: it begins at the same frame,
    /// with other content, and the checksums of all later frames depend on it, so what remains of the old ones is void.
    /// Its sync must succeed. And because the kernel reports an error of write-back once and then calls the pages
    /// clean, frames from before may be missing on the device without anybody being told again: the checkpoint copies
    /// all of them into the main file, syncs that, and begins the log afresh.
    private func overwrite(in database: Database, after failed: any Error) {
        steps.reached(.beforeOverwrite)
        do {
            try database.setSynchronous(.full)
            try database.execute(sql: "BEGIN IMMEDIATE")
            try database.touch()
            try database.execute(sql: "COMMIT")
            let isBusy = try Bool.fetchOne(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            guard isBusy == false else { throw DatabaseError(resultCode: .SQLITE_BUSY, message: "checkpoint held up") }
        } catch {
            stop(failed, "its traces cannot be overwritten", error)
        }
        steps.reached(.afterOverwrite)
    }

    private func rollBack(_ database: Database, after failed: any Error) {
        guard database.isInsideTransaction else { return }
        do {
            try database.execute(sql: "ROLLBACK")
        } catch {
            stop(failed, "it cannot be rolled back", error)
        }
    }

    private func stop(_ first: any Error, _ what: String, _ second: any Error) -> Never {
        var error = failure.error(first)
        error.cleanupFailures.append("\(what): \(failure.error(second).message)")
        error.hint = "restart holdfastd: it reads what is durable, and recovers from it"
        onIndefinite(error)
    }

    private var failure: LedgerFailure { LedgerFailure(file: file, operation: "commit") }

    private func allFailed(_ changes: [LedgerChange], _ error: any Error) -> Outcome {
        Outcome(results: changes.map { .failure(failure.error(error, target: $0.mountpoint)) })
    }
}

/// When a commit waits for the device.
enum SynchronousLevel: Int {
    /// At checkpoints only: a commit survives the end of the process, not a power cut.
    case normal = 1
    /// At each commit.
    case full = 2
}

extension Database {
    /// Gives the open transaction something to write that was not there before.
    func touch() throws { try cachedStatement(sql: "UPDATE touched SET count = count + 1").execute() }

    /// Sets the level for the transactions to come; nothing inside a transaction.
    func setSynchronous(_ level: SynchronousLevel) throws {
        try execute(sql: level == .full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL")
    }
}
