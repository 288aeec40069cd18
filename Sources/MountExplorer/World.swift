// SPDX-License-Identifier: Apache-2.0

import MountModel

/// Everything that one course of events can change: the daemon, the kernel, the disk, the clients, the budgets.
struct World: Sendable {
    let scenario: Scenario

    // The daemon. While it is down, its part is as at the beginning.
    var machine: Machine
    var isUp = true
    /// The operation that runs, by what the effects said.
    var running: Machine.Operation.Kind?
    var progress = Progress.started
    /// The detached mount that the shell holds, by what the effects said.
    var descriptor: MountID?
    /// The write in flight, by what the effects said.
    var pending: Machine.Batch?
    var isTimerSet = false
    /// The kernel has a hint for the daemon that it has not read yet.
    var isHintPending = false
    /// The last unmount of what the row names has hung, and nobody has used it since.
    var hasHung = false

    // The kernel.
    var stack = LayerStack()
    /// Our mount in its parking slot.
    var slot: MountID?
    /// Our mount where others have moved it.
    var elsewhere: MountID?
    /// The mount of the external source, if it is in the stack.
    var external: MountID?
    /// What a worker of the dead daemon is still about, and how far it is.
    var orphan: Machine.Operation.Kind?
    var hasOrphanActed = false
    var nextMount: UInt64 = 1

    // The disk.
    var ledger = LedgerCopy()
    /// What would be left of it after a power cut at the worst moment.
    var synced = LedgerCopy()

    // The clients.
    /// The unanswered requests, in order of arrival.
    var outstanding: [Machine.Request] = []
    /// The attachments that the clients rely on.
    var promised = KeySet()
    /// Those that they rely on to outlive a reboot.
    var vowed = KeySet()
    var nextRequest: UInt64 = 1

    // What may still happen.
    var crashes: Int
    var reboots: Int
    var outsiders: Int

    init(_ scenario: Scenario) {
        self.scenario = scenario
        machine = Machine(rungs: scenario.rungs)
        crashes = scenario.crashes
        reboots = scenario.reboots
        outsiders = scenario.outsiders
    }

    /// How far the running operation is; more than `started` only where that makes a difference.
    enum Progress: Hashable, Sendable {
        case started
        /// Our mount is in its slot, and is still to be unmounted there.
        case parked
        case acted
        case looked(Machine.Seen)
    }

    /// One copy of the ledger.
    struct LedgerCopy: Hashable, Sendable {
        var row: Machine.Row?
        var held = KeySet()
        var persistent = KeySet()
        /// Whether the row was written before the last power cut.
        var isOfOldBoot = false

        mutating func apply(_ batch: Machine.Batch) {
            held.subtract(KeySet(batch.remove))
            persistent.subtract(KeySet(batch.remove))
            switch batch.row {
            case .keep: break
            case .set(let row), .purge(.some(let row)):
                self.row = row
                isOfOldBoot = false
            case .delete, .purge(nil):
                row = nil
                isOfOldBoot = false
            }
            held.formUnion(KeySet(batch.add))
            persistent.formUnion(KeySet(batch.persistent))
        }

        /// The keys that are not the same in both.
        func difference(from other: LedgerCopy) -> KeySet {
            held.symmetricDifference(other.held).union(persistent.symmetricDifference(other.persistent))
        }
    }

    /// What a look at the mountpoint shows, in relation to an id.
    func look(for id: MountID?) -> Machine.Seen {
        guard let id else { return stack.isEmpty ? .empty : .foreign }
        if slot == id { return .covered }
        if stack.top == id { return .ours }
        if stack.contains(id) { return .covered }
        if elsewhere == id { return .moved }
        return stack.isEmpty ? .empty : .foreign
    }

    /// How many mounts of ours there are anywhere.
    var ours: Int {
        let inStack = stack.identified - (external == nil ? 0 : 1)
        return inStack + (slot == nil ? 0 : 1) + (elsewhere == nil ? 0 : 1)
    }

    /// Whether something that is not ours is at the mountpoint, or ours has been taken away from it.
    var isObstructed: Bool { stack.hasTheirs || external != nil || elsewhere != nil }

    /// Whether neither the daemon nor the kernel has anything under way.
    var isQuiet: Bool { isUp && running == nil && pending == nil && !isHintPending }
}
