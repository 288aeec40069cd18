// SPDX-License-Identifier: Apache-2.0

internal import MountModel

/// One mountpoint in the manager's hands: its state machine, and what the machine has no place for.
///
/// Not `Sendable`: it never leaves the actor.
final class Machine {
    let mountpoint: Mountpoint
    var state: MountpointState
    /// The attachments that `state.held` has, with what the ledger knows of each.
    var attachments: [AttachmentKey: Attachment]
    /// While a write's end is being handled: the attachments that it has ended, for what is said of them.
    var leaving: [AttachmentKey: Attachment] = [:]
    /// The requests that have no answer yet.
    var waiting: [RequestID: WaitingRequest] = [:]
    /// Who waits for the machine to come to rest, or to be settled.
    var watchers: [UInt64: Watcher] = [:]
    /// The kernel operation in flight, queued or under way; a build's is cancelled when nobody wants it any more.
    var operation: (turn: Turn, progress: OperationProgress, task: Task<Void, Never>?)?
    /// The turn of the ledger write in flight, or of a step before it.
    var writing: Turn?
    /// Whether its operation will never begin, because the manager is stopping.
    var isDropped = false
    /// The built mount that the executor keeps for this machine.
    var builtID: MountID?
    /// A built mount that is being let go of, which may take as long as an unmount; the next build waits for it.
    var closing: (task: Task<Void, Never>, number: UInt64)?
    /// The retry clock; without a pause, what it is for is as good as under way.
    var timer: (task: Task<Void, Never>, token: UInt64, hasPause: Bool)?
    var backoff: Backoff
    /// Why the last operation did not end as it was wanted.
    var problem: MountError?
    /// Why the last ledger write failed.
    var ledgerProblem: MountError?
    /// How a rung has hung that was tried in the place of the one before it, until the machine asks for it.
    private var hungUnmount: OperationOutcome?
    /// In what the mount differs from how it was made, as of the last look.
    var drift: MountDrift?
    /// That its filesystem does not answer, as of the last question.
    var silence: Silence?
    /// The mount that the schedule of questions knows of.
    var probedID: MountID?
    /// The mount ids under which the manager finds this machine when the kernel reports a change.
    var indexedIDs: Set<MountID> = []

    init(mountpoint: Mountpoint, state: MountpointState, attachments: [Attachment], backoff: Backoff) {
        self.mountpoint = mountpoint
        self.state = state
        self.attachments = Dictionary(uniqueKeysWithValues: attachments.map { ($0.key, $0) })
        self.backoff = backoff
    }

    /// All sources that this mountpoint has to do with: mounted, being mounted, or asked for. The first is the one to
    /// show.
    var sources: [MountSource] {
        var sources: [ManagedSource] = []
        if case .build(let source) = state.operation?.kind { sources.append(source) }
        if let built = state.built { sources.append(built.source) }
        if let row = state.row { sources.append(row.source) }
        return (sources + state.queue.compactMap(\.source)).map(\.source)
    }

    /// What is mounted here, or what is being mounted, or nil where the machine has neither.
    var source: MountSource? { sources.first }

    /// The kernel's id of the mount, as far as it is recorded. That of another boot is none: it may be another mount's
    /// now.
    var mountID: MountID? { state.isPurging ? nil : state.row?.id }

    /// Whether what is recorded was mounted with a secret that came with its request.
    var hasInlineSecret: Bool { state.row?.source.source.credentialsDigest != nil }

    /// What those who wait for this source have brought for it: equal sources have equal secrets.
    func secrets(for source: MountSource) -> [String: Secret] {
        if source.credentialsDigest == nil { return [:] }
        return waiting.values.first { $0.source == source }?.secrets ?? [:]
    }

    /// Keeps the outcome of an unmount that has hung on a later rung than the one that was asked for.
    func noteUnmount(_ outcome: OperationOutcome) {
        guard case .unmount(_, let asked) = state.operation?.kind, let hung = outcome.hungRung else { return }
        hungUnmount = hung > asked ? outcome : nil
    }

    /// What has come of the rung already, when it was tried in the place of the one before: it is not tried twice.
    func takeHungUnmount(beginningAt rung: Int) -> OperationOutcome? {
        defer { hungUnmount = nil }
        return rung > 0 && rung == hungUnmount?.hungRung ? hungUnmount : nil
    }

    /// Whether nothing is under way and nobody waits for an answer.
    var isAtRest: Bool {
        if closing != nil || timer?.hasPause == false { return false }
        return isDropped ? state.write == nil : state.isAtRest
    }

    /// Whether its build has not begun.
    var isBuildWaiting: Bool { operation?.turn.lane == .sources && operation?.turn.state == .waiting }

    /// Whether somebody waits for what it does.
    var isAwaited: Bool { !waiting.isEmpty || !watchers.isEmpty }

    /// Whether what is under way, if anything is, is none of the clean-up's: a build for others, or an operation that
    /// may never end. Who has been answered does not wait for these.
    var isSettled: Bool {
        if isAtRest || state.operation?.isStuck == true { return true }
        if case .build = state.operation?.kind { return closing == nil && state.write == nil }
        return false
    }

    /// Whether there is nothing left to remember.
    var isForgettable: Bool {
        isAtRest && state.row == nil && state.held.isEmpty && !state.isTimerArmed && watchers.isEmpty && waiting.isEmpty
    }
}

/// Somebody who waits for a machine.
struct Watcher {
    let goal: Goal
    let continuation: CheckedContinuation<Void, Never>

    enum Goal { case rest, settled }
}

/// A request whose caller waits.
struct WaitingRequest {
    let continuation: CheckedContinuation<Reply, Never>
    let owner: UInt32
    let key: AttachmentKey
    /// What an attach wants; nil for a detach.
    let source: MountSource?
    /// What an attach brings for it.
    let secrets: [String: Secret]
    /// Whether it is an attach of what is not attached yet.
    var isNew: Bool
    var isDetach: Bool { source == nil }
    var deadline: Task<Void, Never>?
    /// Why it was withdrawn, once it has been.
    var withdrawal: Withdrawal?

    enum Withdrawal { case timedOut, callerLeft, stopping }
}

/// A request's one answer.
typealias Reply = Result<Success, MountError>

/// What a request that succeeded brought, as it was at that moment.
enum Success: Sendable {
    case attached(MountStatus, Attachment, created: Bool)
    case detached(Bool)
}
