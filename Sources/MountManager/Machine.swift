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
    /// The requests that have no answer yet.
    var waiting: [RequestID: WaitingRequest] = [:]
    /// Who waits for the machine to come to rest.
    var watchers: [UInt64: CheckedContinuation<Void, Never>] = [:]
    /// The kernel operation in flight; a build's is cancelled when nobody wants it any more.
    var operation: (task: Task<Void, Never>, since: ContinuousClock.Instant)?
    /// The built mount that the executor keeps for this machine.
    var builtID: MountID?
    /// How many built mounts are being let go of, which may take as long as an unmount.
    var closesInFlight = 0
    /// The retry clock.
    var timer: (task: Task<Void, Never>, token: UInt64)?
    var backoff: Backoff
    /// Why the last operation did not end as it was wanted.
    var problem: MountError?
    /// Why the last ledger write failed.
    var ledgerProblem: MountError?
    /// The mount ids under which the manager finds this machine when the kernel reports a change.
    var indexedIDs: Set<MountID> = []

    init(mountpoint: Mountpoint, state: MountpointState, attachments: [Attachment], backoff: Backoff) {
        self.mountpoint = mountpoint
        self.state = state
        self.attachments = Dictionary(uniqueKeysWithValues: attachments.map { ($0.key, $0) })
        self.backoff = backoff
    }

    /// What is mounted here, or what is being mounted, or nil where the machine has neither.
    var source: MountSource? {
        if let row = state.row { return row.source }
        if let built = state.built { return built.source }
        if case .build(let source) = state.operation?.kind { return source }
        return state.queue.lazy.compactMap(\.source).first
    }

    /// The kernel's id of the mount, as far as it is recorded.
    var mountID: MountID? { state.row?.id }

    /// Whether nothing is under way and nobody waits for an answer.
    var isAtRest: Bool { state.isAtRest && closesInFlight == 0 }

    /// Whether there is nothing left to remember.
    var isForgettable: Bool {
        isAtRest && state.row == nil && state.held.isEmpty && !state.isTimerArmed && watchers.isEmpty && waiting.isEmpty
    }
}

/// A request whose caller waits.
struct WaitingRequest {
    let continuation: CheckedContinuation<Reply, Never>
    let owner: UInt32
    let key: AttachmentKey
    /// What an attach wants; nil for a detach.
    let source: MountSource?
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
