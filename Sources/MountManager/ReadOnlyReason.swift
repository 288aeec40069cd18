// SPDX-License-Identifier: Apache-2.0

internal import Diagnosis
public import MountModel

/// Why a manager changes nothing, and what it knows all the same.
public struct ReadOnlyReason: Hashable, Sendable {
    /// What keeps the ledger from being written.
    public var cause: Cause
    /// What was found, in the words of who found it.
    public var problem: MountError
    /// Whether the attachments are known, from a ledger that can be read and not written.
    public var knowsAttachments: Bool
    /// Where the unreadable ledger is now, or the copy; nil where there is neither.
    public var movedTo: String?

    /// The causes, which need different things to be done.
    public enum Cause: Hashable, Sendable, CaseIterable {
        /// The ledger is damaged, or is none.
        case unreadable
        /// There is none, but an unreadable one that was moved aside, and nobody has decided yet what is to follow.
        case undecided
        /// One was taken away from an earlier daemon, which saved a copy, and nobody has decided yet which holds.
        case saved
        /// A newer version has written it.
        case newerSchema
        /// It cannot be written where it is.
        case unwritable
        /// Its files were taken away while it was open.
        case lost
    }

    /// Puts the parts together.
    public init(_ cause: Cause, _ problem: MountError, knowsAttachments: Bool = false, movedTo: String? = nil) {
        self.cause = cause
        self.problem = problem
        self.knowsAttachments = knowsAttachments
        self.movedTo = movedTo
    }

    /// What whoever asks for a change is told.
    func refusal(_ subject: String, context: MountError.Context) -> MountError {
        MountError(
            .unavailable, "\(subject): \(summary)", context: context, hint: "'holdfast doctor' says what to do")
    }

    /// The same, where nobody has asked for anything yet.
    public var error: MountError {
        var error = refusal("read-only", context: problem.context)
        error.context.operation = "start"
        return error
    }

    /// One sentence.
    public var summary: String {
        let known = knowsAttachments ? "attachments are known" : "who uses what is not known"
        return "nothing is attached or detached, and \(known): \(problem.message)"
    }

    /// For `holdfast doctor`.
    var finding: Finding {
        switch cause {
        case .unreadable, .undecided:
            .unreadableLedger(problem.message, why: why, movedTo: movedTo)
        case .saved:
            .savedLedger(movedTo ?? "a copy", of: problem.context.target ?? "the ledger", why: why)
        case .newerSchema:
            Finding(
                "ledger_newer", .error, what: problem.message, why: why, action: "run the newer holdfastd again")
        case .unwritable:
            Finding(
                "ledger_unwritable", .error, what: problem.message, why: why,
                action: (problem.hint.map { $0 + "; " } ?? "")
                    + "when the folder can be written again, restart holdfastd")
        case .lost:
            Finding(
                "ledger_lost", .error, what: ([problem.message] + problem.cleanupFailures).joined(separator: "; "),
                why: why, action: problem.hint ?? "put the same files back")
        }
    }

    private var why: String {
        "holdfastd shows what the kernel has mounted and changes nothing: "
            + (knowsAttachments
                ? "it knows who uses what, and could not record a change"
                : "it does not know who uses what, and touches no mount that it cannot account for")
    }
}
