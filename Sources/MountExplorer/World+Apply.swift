// SPDX-License-Identifier: Apache-2.0

import MountModel

// What a step changes: first outside the daemon, then, through the product's machine, inside it.
extension World {
    /// Takes the step.
    ///
    /// - Returns: How many effects it had.
    /// - Throws: What it violates.
    mutating func apply(_ transition: Transition) throws(Violation) -> Int {
        let expectation = expectation(of: transition.step)
        var effects: [Machine.Effect] = []
        if let event = meet(transition.step) { effects = machine.handle(event) }
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

    /// What happens outside the daemon, and the event that tells it, if one does.
    private mutating func meet(_ step: Step) -> Machine.Event? {
        switch step {
        case .attach(let key, let source, let persistent):
            return ask(
                .attach(newRequest(), key: key, source: scenario.source(source), persistent: persistent))
        case .detach(let key): return ask(.detach(newRequest(), key: key))
        case .cancel(let position): return .cancel(outstanding[Int(position)].id)
        case .build(let succeeds): return endBuild(succeeds)
        case .end(let works): return .operationEnded(end(works: works))
        case .hangs:
            let seen = end(works: false)
            hasHung = true
            return .unmountHung(seen)
        case .parks:
            park()
            return nil
        case .stuck: return .operationStuck
        case .commit(let isDurable): return commit(isDurable)
        case .timer:
            isTimerSet = false
            return .timer
        case .hint:
            isHintPending = false
            return .hint
        case .outsiderMounts(let moment):
            interfere(moment) { $0.stack.pushTheirs() }
            return nil
        case .outsiderUnmounts(let moment):
            interfere(moment) { $0.outsiderUnmounts() }
            return nil
        case .outsiderMoves(let moment):
            interfere(moment) { $0.outsiderMoves() }
            return nil
        case .outsiderMovesBack:
            if let elsewhere { stack.push(elsewhere) }
            noteTableChange { $0.elsewhere = nil }
            return nil
        case .outsiderUnmountsElsewhere:
            noteTableChange { $0.elsewhere = nil }
            return nil
        case .outsiderMountsExternal(let moment):
            interfere(moment) { $0.mountExternal() }
            return nil
        case .crash(let isDurable):
            crash(durable: isDurable)
            return nil
        case .powerCut(let isDurable, let isLost):
            cutPower(durable: isDurable, lost: isLost)
            return nil
        case .start(let readOnly): return start(readOnly: readOnly)
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
        let id: MountID
        if case .build(let source) = machine.operation?.kind, source.isExternal, let external {
            id = external
        } else {
            id = newMount()
        }
        descriptor = id
        return .built(id)
    }

    private mutating func end(works: Bool) -> Machine.Seen {
        if case .unmount = running { hasHung = false }
        if progress == .started || progress == .parked { act(works: works) }
        let seen: Machine.Seen
        if case .looked(let before) = progress { seen = before } else { seen = look(for: idLookedFor) }
        running = nil
        progress = .started
        return seen
    }

    private var idLookedFor: MountID? {
        switch running {
        case .place(let id), .unmount(let id, _): id
        case .inspect(let id): id
        case .build, .orphan, nil: nil
        }
    }

    private mutating func newMount() -> MountID {
        defer { nextMount += 1 }
        return MountID(rawValue: nextMount)
    }

    private mutating func act(works: Bool) {
        switch running {
        case .place(let id):
            // Something else is there: the placement is undone, which leaves the stack as it was.
            guard works, stack.isEmpty, !isVerifying else { return }
            noteOwnChange { $0.stack.push(id) }
        case .unmount(let id, _):
            if progress == .parked {
                finishParked(id, works: works)
            } else if works && stack.top == id {
                noteOwnChange { $0.stack.pop() }
            }
        case .inspect:
            // Ours in its slot is moved back. Is the place taken, it stays and counts as covered.
            guard works, let parked = slot, stack.isEmpty else { return }
            noteOwnChange {
                $0.slot = nil
                $0.stack.push(parked)
            }
        case .build, .orphan, nil: break
        }
    }

    private mutating func park() {
        noteOwnChange {
            $0.slot = $0.stack.top
            $0.stack.pop()
        }
        progress = .parked
    }

    /// In its slot it is unmounted, or found busy and moved back, unless its place has been taken.
    private mutating func finishParked(_ id: MountID, works: Bool) {
        if !works && !stack.isEmpty { return }
        noteOwnChange {
            $0.slot = nil
            if !works { $0.stack.push(id) }
        }
    }

    private mutating func noteOwnChange(_ change: (inout World) -> Void) {
        change(&self)
        if scenario.features.contains(.ownHints) { isHintPending = true }
    }

    // MARK: Outsiders

    /// What somebody does to the mountpoint at that moment of the running operation; counted, unless it takes away
    /// again what he has mounted.
    private mutating func interfere(_ moment: Step.Moment, _ change: (inout World) -> Void) {
        if moment != .now {
            act(works: true)
            progress = moment == .afterAct ? .acted : .looked(look(for: idLookedFor))
        }
        let layersBefore = stack
        let isTheirs = !stack.isEmpty && (stack.top == nil || stack.top == external)
        let heightBefore = stack.height
        change(&self)
        if !(isTheirs && stack.height < heightBefore) { outsiders -= 1 }
        if isUp && stack != layersBefore { isHintPending = true }
    }

    private mutating func noteTableChange(_ change: (inout World) -> Void) {
        change(&self)
        if isUp { isHintPending = true }
    }

    private mutating func outsiderUnmounts() {
        if stack.isEmpty { return }
        if stack.top == external { external = nil }
        stack.pop()
    }

    private mutating func outsiderMoves() {
        guard let top = stack.top, top != external else { return }
        elsewhere = top
        stack.pop()
    }

    private mutating func mountExternal() {
        let id = newMount()
        external = id
        stack.push(id)
    }

    // MARK: The disk

    private mutating func commit(_ isDurable: Bool) -> Machine.Event {
        if let pending, isDurable {
            ledger.apply(pending)
            if pending.fullSync { synced = ledger }
            if !pending.add.isEmpty || pending.row != .keep { hasHung = false }
        }
        pending = nil
        return .committed(isDurable)
    }
}
