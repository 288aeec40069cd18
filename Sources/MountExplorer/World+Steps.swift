// SPDX-License-Identifier: Apache-2.0

import MountModel

// What may happen next. The order is fixed, so that a trace can be repeated.
extension World {
    func steps(into steps: inout [Step]) {
        steps.removeAll(keepingCapacity: true)
        if isUp {
            addRequests(to: &steps)
            addEnds(to: &steps)
            if pending != nil { steps += [.commit(true), .commit(false)] }
            if isTimerSet { steps.append(.timer) }
            if isHintPending { steps.append(.hint) }
        } else {
            steps.append(.start(readOnly: false))
            if scenario.features.contains(.readOnlyStarts) { steps.append(.start(readOnly: true)) }
        }
        addOrphan(to: &steps)
        addOutsiders(to: &steps)
        addDeaths(to: &steps)
    }

    private func addRequests(to steps: inout [Step]) {
        if outstanding.count < scenario.outstanding {
            for key in scenario.keys {
                for source in 0..<UInt8(scenario.sources) {
                    for persistent in scenario.persistences(of: key) {
                        steps.append(.attach(key: key, source: source, persistent: persistent))
                    }
                }
                steps.append(.detach(key: key))
            }
        }
        for position in outstanding.indices { steps.append(.cancel(Int8(position))) }
    }

    private func addEnds(to steps: inout [Step]) {
        switch running {
        case nil, .orphan: break
        case .build(let source):
            // What somebody else has not mounted cannot be found.
            if !source.isExternal || isExternalOnTop { steps.append(.build(succeeds: true)) }
            steps.append(.build(succeeds: false))
        case .inspect:
            steps.append(.end(works: true))
            if progress == .started, slot != nil, stack.isEmpty { steps.append(.end(works: false)) }
        case .place:
            steps.append(.end(works: true))
            if progress == .started, stack.isEmpty, !isVerifying { steps.append(.end(works: false)) }
        case .unmount(let id, _):
            steps.append(.end(works: true))
            let isToBeParked = progress == .started && stack.top == id
            if isToBeParked || progress == .parked {
                steps.append(.end(works: false))
                if scenario.rungs > 1 { steps.append(.hangs) }
            }
            // Where nobody can interfere with it, parking is nothing but a part of the unmount.
            if isToBeParked && (crashes > 0 || outsiders > 0) { steps.append(.parks) }
        }
        if running != nil, machine.operation?.isStuck == false { steps.append(.stuck) }
    }

    private func addOrphan(to steps: inout [Step]) {
        guard let orphan else { return }
        steps.append(.orphanEnds(.idles))
        if hasOrphanActed { return }
        switch orphan {
        case .place: if stack.isEmpty { steps.append(.orphanEnds(.acts)) }
        case .unmount(let id, _):
            if stack.top == id { steps += [.orphanEnds(.acts), .orphanEnds(.parks)] }
            if slot == id { steps.append(.orphanEnds(.acts)) }
        case .inspect, .build, .orphan: break
        }
    }

    private func addOutsiders(to steps: inout [Step]) {
        // Who has mounted may unmount again, and who has moved may move back; all else is counted.
        let isFree = !stack.isEmpty && (stack.top == nil || isExternalOnTop)
        for moment in moments {
            if outsiders > 0 { steps.append(.outsiderMounts(moment)) }
            if isFree || (outsiders > 0 && (!stack.isEmpty || moment == .afterAct)) {
                steps.append(.outsiderUnmounts(moment))
            }
            if outsiders > 0 && canBeMoved(at: moment) { steps.append(.outsiderMoves(moment)) }
            if outsiders > 0 && scenario.features.contains(.external) && external == nil {
                steps.append(.outsiderMountsExternal(moment))
            }
        }
        if elsewhere != nil { steps += [.outsiderMovesBack, .outsiderUnmountsElsewhere] }
    }

    private var isExternalOnTop: Bool { external != nil && stack.top == external }

    /// Whether the placement that runs is only a look at what somebody else has mounted.
    var isVerifying: Bool { machine.built?.source.isExternal == true }

    private func canBeMoved(at moment: Step.Moment) -> Bool {
        if stack.top != nil { return !isExternalOnTop }
        guard moment != .now, case .place = running else { return false }
        return stack.isEmpty && !isVerifying
    }

    private var moments: [Step.Moment] {
        guard isUp, progress == .started else { return [.now] }
        switch running {
        case .inspect: return [.now, .afterLook]
        case .place, .unmount: return [.now, .afterAct, .afterLook]
        case nil, .build, .orphan: return [.now]
        }
    }

    private func addDeaths(to steps: inout [Step]) {
        if isUp && crashes > 0 {
            steps.append(.crash(durable: false))
            if pending != nil { steps.append(.crash(durable: true)) }
        }
        if reboots > 0 {
            for lost in [false, true] {
                steps.append(.powerCut(durable: false, lost: lost))
                if pending != nil { steps.append(.powerCut(durable: true, lost: lost)) }
            }
        }
    }

    /// How much a step belongs to the course in which everything goes well; 0 is not at all.
    func goodness(of step: Step) -> Int {
        switch step {
        case .start(let readOnly): readOnly ? 0 : 9
        case .orphanEnds(.acts): 8
        case .orphanEnds(.idles): 7
        case .build(let succeeds): succeeds == (machine.operation?.isAborted == false) ? 6 : isExternalMissing ? 1 : 0
        case .end(let works): works ? 5 : 0
        case .commit(let isDurable): isDurable ? 4 : 0
        case .hint: 3
        // With something foreign in the way, looking again and again is all there is to do.
        case .timer: (isObstructed || isExternalMissing) && !machine.isPurging ? 0 : 2
        case .attach, .detach, .cancel, .stuck, .hangs, .parks, .outsiderMounts, .outsiderUnmounts, .outsiderMoves,
            .outsiderMovesBack, .outsiderUnmountsElsewhere, .outsiderMountsExternal, .crash, .powerCut,
            .orphanEnds(.parks):
            0
        }
    }

    /// Whether an external source is wanted that its owners have not mounted, or that somebody hides.
    var isExternalMissing: Bool {
        if isExternalOnTop { return false }
        if case .build(let source) = machine.operation?.kind, source.isExternal { return true }
        return machine.row?.source.isExternal == true
    }
}
