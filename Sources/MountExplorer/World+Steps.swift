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
            steps.append(.start)
        }
        addOrphan(to: &steps)
        addOutsiders(to: &steps)
        addDeaths(to: &steps)
    }

    private func addRequests(to steps: inout [Step]) {
        if outstanding.count < scenario.outstanding {
            for key in scenario.keys {
                for source in 0..<UInt8(scenario.sources) { steps.append(.attach(key: key, source: source)) }
                steps.append(.detach(key: key))
            }
        }
        for position in outstanding.indices { steps.append(.cancel(Int8(position))) }
    }

    private func addEnds(to steps: inout [Step]) {
        switch running {
        case nil, .orphan: break
        case .build: steps += [.build(succeeds: true), .build(succeeds: false)]
        case .inspect:
            steps.append(.end(works: true))
            if progress == .started, slot != nil, stack.isEmpty { steps.append(.end(works: false)) }
        case .place:
            steps.append(.end(works: true))
            if progress == .started, stack.isEmpty { steps.append(.end(works: false)) }
        case .unmount(let id, _):
            steps.append(.end(works: true))
            if progress == .started, stack.top == id { steps.append(.end(works: false)) }
        }
        if running != nil, machine.operation?.isStuck == false { steps.append(.stuck) }
    }

    private func addOrphan(to steps: inout [Step]) {
        guard let orphan else { return }
        steps.append(.orphanEnds(.idles))
        if hasOrphanActed { return }
        switch orphan {
        case .place: if stack.isEmpty { steps.append(.orphanEnds(.acts)) }
        case .unmount(let id, _): if stack.top == id { steps += [.orphanEnds(.acts), .orphanEnds(.parks)] }
        case .inspect, .build, .orphan: break
        }
    }

    private func addOutsiders(to steps: inout [Step]) {
        // Who has mounted may unmount again; all else is counted.
        let isTheirsOnTop = !stack.isEmpty && stack.top == nil
        for moment in moments {
            if outsiders > 0 { steps.append(.outsiderMounts(moment)) }
            if isTheirsOnTop || (outsiders > 0 && (!stack.isEmpty || moment == .afterAct)) {
                steps.append(.outsiderUnmounts(moment))
            }
        }
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
        case .start: 9
        case .orphanEnds(.acts): 8
        case .orphanEnds(.idles): 7
        case .build(let succeeds): succeeds == (machine.operation?.isAborted == false) ? 6 : 0
        case .end(let works): works ? 5 : 0
        case .commit(let isDurable): isDurable ? 4 : 0
        case .hint: 3
        // With something foreign in the way, looking again and again is all there is to do.
        case .timer: stack.hasTheirs && !machine.isPurging ? 0 : 2
        case .attach, .detach, .cancel, .stuck, .outsiderMounts, .outsiderUnmounts, .crash, .powerCut,
            .orphanEnds(.parks):
            0
        }
    }
}
