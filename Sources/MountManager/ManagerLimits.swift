// SPDX-License-Identifier: Apache-2.0

internal import MountModel

/// How much a manager takes on at one time. What would go beyond is refused with `resource_exhausted` before anything
/// is changed, or waits for its turn; what a start finds in the ledger is never refused.
public struct ManagerLimits: Hashable, Sendable {
    /// Mountpoints that have, or are getting, a mount.
    public var mounts = 100_000
    /// Attachments, of all mountpoints together.
    public var attachments = 1_000_000
    /// Attaches without an answer, of all mountpoints together; as many detaches again.
    public var waiting = 16_384
    /// Attaches without an answer at one mountpoint; as many detaches again.
    public var waitingAtMountpoint = 1024
    /// Kernel operations that somebody waits for, under way or waiting for their turn; beyond it nothing is mounted at
    /// a new mountpoint.
    public var awaitedOperations = 1024
    /// Kernel operations that are with the executor at once: so many builds, and so many of all other kinds. The others
    /// wait for their turn.
    public var operationsAtOnce = 64
    /// Those of them that may wait for one server: builds of what it has, and as many unmounts. The others wait for
    /// their turn, and let pass who waits for another.
    public var operationsPerServer = 4
    /// Ledger writes that are with the ledger at once, less than it lets wait; the others wait for their turn.
    public var writesAtOnce = 2048
    /// No request waits longer, whatever it asks for.
    public var requestTime = Duration.seconds(3600)

    /// The defaults.
    public init() {}
}

/// How much a manager has taken on: what its limits are compared with.
public struct ManagerLoad: Hashable, Sendable {
    /// Mountpoints that have, or are getting, a mount.
    public var mounts = 0
    /// Attachments in the ledger.
    public var attachments = 0
    /// Attaches without an answer.
    public var waitingAttaches = 0
    /// Those of them that came for what was not attached.
    public var newAttaches = 0
    /// Detaches without an answer.
    public var waitingDetaches = 0
    /// Requests without an answer at the mountpoint that has the most.
    public var waitingAtMountpoint = 0
    /// Kernel operations that somebody waits for, under way or waiting for their turn.
    public var awaitedOperations = 0
    /// Builds that are with the executor.
    public var builds = 0
    /// Kernel operations of all other kinds that are with the executor.
    public var tableOperations = 0
    /// All kernel operations that wait for their turn.
    public var queuedOperations = 0

    /// Nothing.
    public init() {}
}

extension ManagerLimits {
    /// What a request would add.
    struct Admission {
        /// What an attach wants; nil for a detach.
        var source: MountSource?
        var mountpoint: Mountpoint
        /// Whether nothing is known of the mountpoint so far.
        var isNewMountpoint: Bool
        /// Whether its key is in the ledger already.
        var isHeld: Bool
        /// Attaches, or for a detach detaches, without an answer at the mountpoint.
        var waitingThere: Int
    }

    /// Why the request cannot be taken now; nil where it can.
    func refusal(of request: Admission, under load: ManagerLoad) -> MountError? {
        if request.waitingThere >= waitingAtMountpoint {
            return refusal(
                of: request, "\(request.waitingThere) requests wait for this mountpoint already",
                limit: "waiting_per_mountpoint", hint: "find out what they wait for, and try again later")
        }
        let waitingInAll = request.source == nil ? load.waitingDetaches : load.waitingAttaches
        if waitingInAll >= waiting {
            return refusal(
                of: request, "\(waitingInAll) requests wait already", limit: "waiting_requests",
                hint: "find out what they wait for, and try again later")
        }
        guard request.source != nil else { return nil }
        if !request.isHeld, load.attachments + load.newAttaches >= attachments {
            let coming = load.newAttaches == 0 ? "" : ", and \(load.newAttaches) attaches under way,"
            return refusal(
                of: request, "there are \(load.attachments) attachments\(coming) already", limit: "attachments",
                hint: "detach what is not needed any more")
        }
        guard request.isNewMountpoint else { return nil }
        if load.mounts >= mounts {
            return refusal(
                of: request, "there are \(load.mounts) mounts already", limit: "mounts",
                hint: "detach what is not needed any more")
        }
        if load.awaitedOperations >= awaitedOperations {
            return refusal(
                of: request, "\(load.awaitedOperations) mount operations are under way already", limit: "operations",
                hint: "try again later; 'holdfast list' shows what hangs")
        }
        return nil
    }

    private func refusal(
        of request: Admission, _ reason: String, limit: String, hint: String
    ) -> MountError {
        let verb = request.source.map { "attach \($0) at" } ?? "detach from"
        return MountError(
            .resourceExhausted, "cannot \(verb) \(request.mountpoint): \(reason), which is the limit",
            context: MountError.Context(
                operation: request.source == nil ? "detach" : "attach", type: request.source?.type.rawValue,
                source: request.source?.source, target: request.mountpoint.description),
            hint: "\(hint), or raise '\(limit)' under [limits] in the daemon's configuration")
    }
}
