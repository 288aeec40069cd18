// SPDX-License-Identifier: Apache-2.0

import Dispatch
import GRDB
import Glibc
public import MountModel
import SystemPackage

/// The ledger in a SQLite file, with one writer.
///
/// Changes that arrive while a transaction commits wait and share the next one, so that many callers pay for one sync.
/// SQLite runs on a dispatch queue of its own; no thread of Swift's pool waits for the disk.
public actor SQLiteLedger: MountLedger {
    /// The file's name in the state folder.
    public static let fileName = LedgerSurvey.fileName

    /// What has been done so far.
    public private(set) var counters = LedgerCounters()

    private let database: DatabaseQueue
    private let waitingLimit: Int
    private let writer: LedgerWriter
    private let reader: LedgerReader
    private let files: LedgerFiles
    /// The copy that is made if the files are taken away.
    let saved: SavedLedger
    /// Where its files are.
    private(set) var place: LedgerPlace
    private var waiting: [Waiter] = []
    /// How many changes wait for the next transaction; those in the one under way are not among them.
    var waitingCount: Int { waiting.count }
    /// Commits what waits, group after group; nil when nothing does.
    private var committing: Task<Void, Never>?
    private(set) var isClosed = false

    private struct Waiter {
        let change: LedgerChange
        let continuation: CheckedContinuation<Result<Void, MountError>, Never>
    }

    init(
        database: DatabaseQueue, files: LedgerFiles, place: LedgerPlace, copyFolder: FilePath?, waitingLimit: Int,
        writer: LedgerWriter
    ) {
        self.database = database
        self.files = files
        self.place = place
        saved = SavedLedger(in: copyFolder)
        self.waitingLimit = waitingLimit
        self.writer = writer
        reader = LedgerReader(file: files.file)
    }

    public func commit(_ change: LedgerChange) async throws(MountError) {
        try checkOpen("commit")
        guard waiting.count < waitingLimit else {
            counters.refused += 1
            throw MountError(
                .resourceExhausted, "cannot write the ledger \(writer.file): \(waiting.count) changes wait already",
                context: MountError.Context(operation: "commit", target: change.mountpoint.description),
                hint: "try again; if it stays so, the disk that holds the ledger is too slow")
        }
        let result = await withCheckedContinuation { continuation in
            waiting.append(Waiter(change: change, continuation: continuation))
            // A task of its own, because the group belongs to all its callers: none of them may end it or wait for more
            // than its own change. It lives only as long as a caller waits.
            if committing == nil { committing = Task { await commitWaiting() } }
        }
        try result.get()
    }

    public func load() async throws(MountError) -> LedgerContents {
        try checkOpen("load")
        if !place.isMade { return LedgerContents() }
        let reader = reader
        let result: Result<LedgerContents, MountError> = await onWriterQueue { database in
            do {
                return .success(try reader.contents(of: database))
            } catch {
                return .failure(LedgerFailure(file: reader.file, operation: "load").error(error))
            }
        }
        return try result.get()
    }

    /// Waits for the changes that were accepted, then closes the file; what comes later is `unavailable`.
    ///
    /// The caller's thread is not blocked. Closing a second time does nothing.
    ///
    /// - Throws: what ``checkPlace()`` throws, or `unavailable` if SQLite cannot close it; every acknowledged change is
    ///   durable all the same.
    public func close() async throws(MountError) {
        let wasClosed = isClosed
        isClosed = true
        await committing?.value
        var loss: MountError?
        if !wasClosed { do throws(MountError) { try await check() } catch { loss = error } }
        let database = database
        let file = writer.file
        let result: Result<Void, MountError> = await withCheckedContinuation { continuation in
            // It waits for the connection's queue and for the last checkpoint.
            DispatchQueue.global().async {
                do {
                    try database.close()
                    continuation.resume(returning: .success(()))
                } catch {
                    let failure = LedgerFailure(file: file, operation: "close")
                    continuation.resume(returning: .failure(failure.error(error)))
                }
            }
        }
        if var loss {
            if case .failure(let error) = result { loss.cleanupFailures.append(error.message) }
            throw loss
        }
        try result.get()
    }

    /// What `open` does by default when nobody can tell whether a change is durable: it says so and ends the process
    /// with status 70 (EX_SOFTWARE of sysexits.h), without running anything that could still answer a caller.
    ///
    /// The next start reads from the file what is durable.
    public static func stopProcess(_ error: MountError) -> Never {
        let line = "holdfast: the ledger is in doubt, stopping: \(error)\n"
        // Nothing can be done about a failure to say it.
        _ = try? FileDescriptor.standardError.writeAll(line.utf8)
        _exit(70)
    }

    private func commitWaiting() async {
        while !waiting.isEmpty {
            let group = waiting
            waiting.removeAll(keepingCapacity: true)
            let changes = group.map(\.change)
            let (writer, place, files, saved) = (writer, place, files, saved)
            let outcome = await onWriterQueue { database in
                do throws(MountError) {
                    // A copy must not outlive what follows.
                    if saved.isThere { try saved.check(place, database) }
                    let place = place.isMade ? place : try Self.make(files, in: database, at: place)
                    return writer.commit(changes, in: database, at: place)
                } catch {
                    return LedgerWriter.Outcome(results: changes.map { _ in .failure(error) })
                }
            }
            self.place = outcome.place ?? place
            count(outcome, of: changes)
            for (waiter, result) in zip(group, outcome.results) { waiter.continuation.resume(returning: result) }
        }
        committing = nil
    }

    private func count(_ outcome: LedgerWriter.Outcome, of changes: [LedgerChange]) {
        let failures = outcome.results.count { if case .failure = $0 { true } else { false } }
        counters.refused += failures
        if outcome.overwritten { counters.overwrites += 1 }
        guard outcome.committed else { return }
        counters.commits += 1
        counters.changes += changes.count - failures
        if changes.contains(where: \.fullSync) { counters.fullSyncs += 1 }
    }

    /// Runs work on the connection's queue. Not GRDB's own async functions: they give up when the task is cancelled.
    func onWriterQueue<Value: Sendable>(_ work: @escaping @Sendable (Database) -> Value) async -> Value {
        let database = database
        return await withCheckedContinuation { continuation in
            database.asyncWriteWithoutTransaction { continuation.resume(returning: work($0)) }
        }
    }

    private func checkOpen(_ operation: String) throws(MountError) {
        guard isClosed else { return }
        throw MountError(
            .unavailable, "cannot \(operation): the ledger \(writer.file) is closed",
            context: MountError.Context(operation: operation))
    }
}
