// SPDX-License-Identifier: Apache-2.0

import MountModel

// What a step changes: first outside the daemon, then, through the product's machine, inside it.
extension World {
    /// Takes the step.
    ///
    /// - Returns: How many effects it had.
    /// - Throws: What it violates.
    mutating func apply(_ transition: Transition, mutant: Mutant?) throws(Violation) -> Int {
        let expectation = expectation(of: transition.step)
        var effects: [Machine.Effect] = []
        if let event = meet(transition.step, mutant: mutant) {
            effects = drive(event, mutant: mutant)
        }
        if transition.cut == 0 {
            for effect in effects { try carryOut(effect) }
        } else {
            // The event is part of the past; only the checks at the start of each effect still count.
            for effect in effects.prefix(Int(transition.cut)) { try carryOut(effect) }
            crash(durable: transition.isDurable)
        }
        try expectation.check(effects)
        try check()
        return effects.count
    }

    private mutating func drive(_ event: Machine.Event, mutant: Mutant?) -> [Machine.Effect] {
        guard let mutant else { return machine.handle(event) }
        let before = machine
        guard let changed = mutant.event(before, event) else { return [] }
        let effects = machine.handle(changed)
        return mutant.effects(before, changed, effects)
    }

    /// What happens outside the daemon, and the event that tells it, if one does.
    private mutating func meet(_ step: Step, mutant: Mutant?) -> Machine.Event? {
        switch step {
        case .attach(let key, let source):
            return ask(.attach(newRequest(), key: key, source: source, persistent: scenario.isPersistent(key)))
        case .detach(let key): return ask(.detach(newRequest(), key: key))
        case .cancel(let position): return .cancel(outstanding[Int(position)].id)
        case .build(let succeeds): return endBuild(succeeds)
        case .end(let works): return end(works: works)
        case .stuck: return .operationStuck
        case .commit(let isDurable): return commit(isDurable)
        case .timer:
            isTimerSet = false
            return .timer
        case .hint:
            isHintPending = false
            return .hint
        case .outsiderMounts(let moment):
            interfere(moment) { $0.pushTheirs() }
            return nil
        case .outsiderUnmounts(let moment):
            interfere(moment) { if !$0.isEmpty { $0.pop() } }
            return nil
        case .crash(let isDurable):
            crash(durable: isDurable)
            return nil
        case .powerCut(let isDurable, let isLost):
            cutPower(durable: isDurable, lost: isLost)
            return nil
        case .start: return start(mutant)
        case .orphanEnds(let end): return endOrphan(end)
        }
    }

    // MARK: Clients

    private mutating func newRequest() -> RequestID {
        defer { nextRequest += 1 }
        return RequestID(rawValue: nextRequest)
    }

    private mutating func ask(_ request: Machine.Request) -> Machine.Event {
        outstanding.append(request)
        return .request(request)
    }

    // MARK: Operations

    private mutating func endBuild(_ succeeds: Bool) -> Machine.Event {
        running = nil
        guard succeeds else { return .built(nil) }
        let id = MountID(rawValue: nextMount)
        nextMount += 1
        descriptor = id
        return .built(id)
    }

    private mutating func end(works: Bool) -> Machine.Event {
        if progress == .started { act(works: works) }
        let seen: Machine.Seen
        if case .looked(let before) = progress { seen = before } else { seen = look(for: idLookedFor) }
        running = nil
        progress = .started
        return .operationEnded(seen)
    }

    private var idLookedFor: MountID? {
        switch running {
        case .place(let id), .unmount(let id, _): id
        case .inspect, .build, .orphan, nil: machine.row?.id
        }
    }

    private mutating func act(works: Bool) {
        switch running {
        case .place(let id):
            // Something else is there: the placement is undone, which leaves the stack as it was.
            guard works, stack.isEmpty else { return }
            stack.push(id)
            isHintPending = isHintPending || scenario.hasOwnHints
        case .unmount(let id, _):
            guard works, stack.top == id else { return }
            stack.pop()
            isHintPending = isHintPending || scenario.hasOwnHints
        case .inspect:
            // Ours in its slot: ended there, or moved back. Is the place taken, it stays and counts as covered.
            guard let parked = slot, stack.isEmpty else { return }
            slot = nil
            if !works { stack.push(parked) }
            isHintPending = isHintPending || scenario.hasOwnHints
        case .build, .orphan, nil: break
        }
    }

    private mutating func interfere(_ moment: Step.Moment, _ change: (inout LayerStack) -> Void) {
        let layersBefore = stack
        if moment != .now {
            act(works: true)
            progress = moment == .afterAct ? .acted : .looked(look(for: idLookedFor))
        }
        let isTheirs = !stack.isEmpty && stack.top == nil
        let heightBefore = stack.height
        change(&stack)
        // Taking one's own mount away again is free; it was paid for when it was mounted.
        if !(isTheirs && stack.height < heightBefore) { outsiders -= 1 }
        if isUp && stack != layersBefore { isHintPending = true }
    }

    // MARK: The disk

    private mutating func commit(_ isDurable: Bool) -> Machine.Event {
        if let pending, isDurable {
            ledger.apply(pending)
            if pending.fullSync { synced = ledger }
        }
        pending = nil
        return .committed(isDurable)
    }
}
