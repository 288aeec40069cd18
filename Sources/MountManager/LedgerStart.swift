// SPDX-License-Identifier: Apache-2.0

internal import Ledger
internal import Logging
internal import MountModel
internal import SystemPackage

/// The ledger as a start finds it: in use from now on, or what can be known without it.
enum LedgerStart {
    /// It is open.
    case open(SQLiteLedger)
    /// It cannot be used; nothing is to be changed.
    case readOnly(ReadOnlyLedger)

    /// What the manager reads and writes.
    var forManager: any MountLedger {
        switch self {
        case .open(let ledger): ledger
        case .readOnly(let ledger): ledger
        }
    }

    /// Why nothing is to be changed, where that is so.
    var readOnlyReason: ReadOnlyReason? {
        guard case .readOnly(let ledger) = self else { return nil }
        return ledger.reason
    }

    /// Where it is looked for.
    struct Place {
        var stateFolder: FilePath
        /// For a copy of a ledger that cannot be opened where it is.
        var scratch: FilePath
        /// For a copy of one that is taken away while it is open.
        var copyFolder: FilePath?
        /// Whether a new ledger may begin although an unreadable one was moved aside here, or another one was saved.
        var beginsNew = false
        /// Told at each step of a commit.
        var steps = LedgerSteps.none
    }

    /// Opens it, and goes on without it where it is broken or cannot be written; what happened is logged.
    ///
    /// An unreadable ledger is moved aside. No new one is made in its place before the administrator says so: an empty
    /// ledger would take every mount that is there for a stranger's. Where one was taken away and saved as a copy, not
    /// even the ledger in its place is used: it may be an older one. Blocks.
    ///
    /// - Throws: `unavailable` where another process has it open, or the copy cannot be looked for, or not be given up;
    ///   `resource_exhausted` where there is none, and no room for the file of a new one.
    init(at place: Place, logger: Logger) throws(MountError) {
        var saved: FilePath?
        if let folder = place.copyFolder { saved = try SQLiteLedger.savedCopy(in: folder) }
        if !place.beginsNew, let waiting = Self.undecided(place, saved) {
            self = .readOnly(waiting)
        } else {
            do throws(LedgerOpenError) {
                self = .open(try Self.open(place, isDecided: saved != nil, logger))
            } catch {
                self = .readOnly(try Self.withoutLedger(because: error, place))
            }
        }
        switch self {
        case .open: if let saved { try Self.giveUp(saved, logger) }
        case .readOnly(let ledger): Self.log(ledger.reason, logger)
        }
    }

    private static func open(
        _ place: Place, isDecided: Bool, _ logger: Logger
    ) throws(LedgerOpenError) -> SQLiteLedger {
        func open() throws(LedgerOpenError) -> SQLiteLedger {
            try SQLiteLedger.open(
                at: place.stateFolder, movesUnreadableAside: true, savingCopiesIn: place.copyFolder, steps: place.steps)
        }
        do throws(LedgerOpenError) {
            return try open()
        } catch {
            // Such as the log of the one that was taken away: who gives up its copy has decided about that too.
            guard isDecided, error.reason == .unreadable, let moved = error.movedTo else { throw error }
            logger.warning("what was in the ledger's place is moved aside", metadata: ["moved_to": "\(moved)"])
            return try open()
        }
    }

    /// Under its name the copy would be taken, by the next start, for all that is recorded.
    private static func giveUp(_ saved: FilePath, _ logger: Logger) throws(MountError) {
        do throws(MountError) {
            let name = try SQLiteLedger.giveUpSavedCopy(in: saved.removingLastComponent())
            logger.notice("the copy of the ledger that was taken away is given up", metadata: ["moved_to": "\(name)"])
        } catch {
            var failure = error
            failure.hint = "move it away yourself, and start again; as long as it has that name, nothing is recorded"
            throw failure
        }
    }

    /// A state folder that cannot be read is said so when the ledger is opened.
    private static func undecided(_ place: Place, _ saved: FilePath?) -> ReadOnlyLedger? {
        if let saved {
            let problem = MountError(
                .unavailable,
                "the ledger was taken from under an earlier holdfastd, which saved \(saved), and nobody has decided "
                    + "yet which holds",
                context: MountError.Context(
                    operation: "open", target: place.stateFolder.appending(SQLiteLedger.fileName).string))
            return ReadOnlyLedger(
                contents: LedgerContents(), reason: ReadOnlyReason(.saved, problem, movedTo: saved.string))
        }
        guard let survey = try? LedgerSurvey(of: place.stateFolder), !survey.isThere else { return nil }
        guard let last = survey.movedAside.last else { return nil }
        let problem = MountError(
            .unavailable, "the ledger could not be read, was moved to \(last), and no other is in its place",
            context: MountError.Context(operation: "open", target: last.string))
        return ReadOnlyLedger(
            contents: LedgerContents(), reason: ReadOnlyReason(.undecided, problem, movedTo: last.string))
    }

    private static func withoutLedger(
        because failure: LedgerOpenError, _ place: Place
    ) throws(MountError) -> ReadOnlyLedger {
        let error = failure.error
        switch failure.reason {
        case .inUse: throw error
        case .unreadable:
            var problem = error
            if let moved = failure.movedTo { problem.message += "; it was moved to \(moved)" }
            for cleanup in error.cleanupFailures { problem.message += "; \(cleanup)" }
            return ReadOnlyLedger(
                contents: LedgerContents(),
                reason: ReadOnlyReason(.unreadable, problem, movedTo: failure.movedTo?.string))
        case .newerSchema:
            return ReadOnlyLedger(contents: LedgerContents(), reason: ReadOnlyReason(.newerSchema, error))
        case .unavailable:
            // There is nothing to show, and the next start may find room.
            if error.code == .resourceExhausted, (try? LedgerSurvey(of: place.stateFolder))?.isThere == false {
                throw error
            }
            do throws(LedgerOpenError) {
                let contents = try SQLiteLedger.readCopy(of: place.stateFolder, in: place.scratch)
                return ReadOnlyLedger(
                    contents: contents, reason: ReadOnlyReason(.unwritable, error, knowsAttachments: true))
            } catch {
                var problem = failure.error
                problem.message += "; and it cannot be read from a copy: \(error.error.message)"
                return ReadOnlyLedger(contents: LedgerContents(), reason: ReadOnlyReason(.unwritable, problem))
            }
        }
    }

    private static func log(_ reason: ReadOnlyReason, _ logger: Logger) {
        logger.critical("\(reason.problem.message)")
        logger.critical(
            "starting read-only: \(reason.summary)",
            metadata: ["moved_to": "\(reason.movedTo ?? "-")", "hint": "holdfast doctor"])
    }
}
