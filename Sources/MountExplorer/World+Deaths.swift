// SPDX-License-Identifier: Apache-2.0

import MountModel

// Crashes, power cuts, and what a start makes of them.
extension World {
    /// The daemon dies; a write in flight becomes durable or not.
    mutating func crash(durable: Bool) {
        crashes -= 1
        if durable, let pending { ledger.apply(pending) }
        settlePromises()
        loseDaemon()
    }

    mutating func cutPower(durable: Bool, lost: Bool) {
        reboots -= 1
        if durable, let pending {
            ledger.apply(pending)
            if pending.fullSync { synced = ledger }
        }
        // A persistent attachment that differs between the two was never answered for, or a check has failed already.
        let inDoubt = ledger.difference(from: synced)
        if lost { ledger = synced }
        ledger.isOfOldBoot = ledger.row != nil
        for key in scenario.keys where inDoubt.contains(key) && !vowed.contains(key) { promise(key) }
        settlePromises()
        promised = promised.intersection(vowed.union(ledger.persistent))
        synced = ledger
        loseDaemon()
        orphan = nil
        hasOrphanActed = false
        stack = LayerStack()
        slot = nil
        elsewhere = nil
        external = nil
        // The kernel begins to count again; the worst it can do is to give the old mount's id to the new one.
        nextMount = ledger.row?.id?.rawValue ?? 1
    }

    /// Where a request was unanswered, or a failed attach not yet undone, the ledger has the last word: clients detach
    /// to be sure, and what is there from now on is relied on.
    private mutating func settlePromises() {
        for request in outstanding {
            if request.isRemoval || !promised.contains(request.key) { promise(request.key) }
        }
        for key in machine.doomed where !promised.contains(key) { promise(key) }
    }

    /// Relies on the key as the ledger has it.
    private mutating func promise(_ key: UInt8) {
        // What a reboot has ended and the clean-up has not yet reached is nobody's any more.
        let isOver = ledger.isOfOldBoot && !ledger.persistent.contains(key)
        if ledger.held.contains(key) && !isOver {
            promised.insert(key)
        } else {
            promised.remove(key)
            vowed.remove(key)
        }
    }

    private mutating func loseDaemon() {
        if isUp {
            switch running {
            // Their workers go on; a build dies with the descriptor that nobody receives.
            case .place, .unmount:
                // A look at what somebody else has mounted changes nothing.
                if !isVerifying { orphan = running }
                hasOrphanActed = orphan != nil && progress != .started && progress != .parked
            case .inspect, .build, .orphan, nil: break
            }
        }
        isUp = false
        machine = Machine(rungs: scenario.rungs)
        running = nil
        progress = .started
        descriptor = nil
        pending = nil
        isTimerSet = false
        isHintPending = false
        hasHung = false
        outstanding = []
    }

    mutating func start(readOnly: Bool) -> Machine.Event {
        isUp = true
        // What the daemon before had written but not synced is read back as if it were durable, so it is made so first.
        if !readOnly { synced = ledger }
        running = orphan == nil ? nil : .orphan
        machine = Machine(
            recovering: ledger.row, held: ledger.held.keys, persistent: ledger.persistent.keys,
            isSameBoot: !ledger.isOfOldBoot, hasOrphan: orphan != nil, isReadOnly: readOnly, rungs: scenario.rungs)
        return .start
    }

    mutating func endOrphan(_ end: Step.OrphanEnd) -> Machine.Event? {
        let before = (stack, slot)
        switch (orphan, end) {
        case (.place(let id), .acts): stack.push(id)
        case (.unmount(let id, _), .acts): if slot == id { slot = nil } else { stack.pop() }
        case (.unmount(let id, _), .parks):
            stack.pop()
            slot = id
        default: break
        }
        orphan = nil
        hasOrphanActed = false
        guard isUp else { return nil }
        if scenario.features.contains(.ownHints) && before != (stack, slot) { isHintPending = true }
        guard running == .orphan else { return nil }
        running = nil
        return .operationEnded(.unknown)
    }
}
