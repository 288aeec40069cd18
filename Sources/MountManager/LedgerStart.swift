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
        /// Whether a new ledger may begin although an unreadable one was moved aside here.
        var beginsNew = false
        /// Told at each step of a commit.
        var steps = LedgerSteps.none
    }

    /// Opens it, and goes on without it where it is broken or cannot be written; what happened is logged.
    ///
    /// An unreadable ledger is moved aside. No new one is made in its place, nor where one was taken away and saved as
    /// a copy, before the administrator says so: an empty ledger would take every mount that is there for a
    /// stranger's. Blocks.
    ///
    /// - Throws: `unavailable` where another process has it open; `resource_exhausted` where there is none, and no room
    ///   for the file of a new one.
    init(at place: Place, logger: Logger) throws(MountError) {
        if !place.beginsNew, let waiting = Self.undecided(place) {
            self = .readOnly(waiting)
        } else {
            do throws(LedgerOpenError) {
                self = .open(
                    try SQLiteLedger.open(
                        at: place.stateFolder, movesUnreadableAside: true, savingCopiesIn: place.copyFolder,
                        steps: place.steps))
                return
            } catch {
                self = .readOnly(try Self.withoutLedger(because: error, place))
            }
        }
        if case .readOnly(let ledger) = self { Self.log(ledger.reason, logger) }
    }

    /// A folder that cannot be read is said so when the ledger is opened.
    private static func undecided(_ place: Place) -> ReadOnlyLedger? {
        guard let survey = try? LedgerSurvey(of: place.stateFolder), !survey.isThere else { return nil }
        let saved = place.copyFolder.flatMap { try? SQLiteLedger.lastCopy(in: $0) }
        guard let last = saved ?? survey.movedAside.last else { return nil }
        let problem = MountError(
            .unavailable,
            last == saved
                ? "the ledger was taken from under an earlier holdfastd, \(last) is a copy, and none is in its place"
                : "the ledger could not be read, was moved to \(last), and no other is in its place",
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
