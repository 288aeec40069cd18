// SPDX-License-Identifier: Apache-2.0

import MountModel

/// What the effects of one step may not be, judged by the state before it.
enum Expectation {
    case anything
    /// Nothing has changed, so nothing follows: the rules had nothing left to do.
    case nothing
    /// The failure is nobody's: it was wanted.
    case noSharedFailure
    /// The failure is shared: all of these are told of it.
    case sharedFailure([Machine.Request])
    /// A reboot has ended these, which is said of each once.
    case ends(KeySet)
    /// What could not be written waits for the clock, unless somebody asks for it.
    case noRetry(Machine.Batch)
    /// The mount is gone, and nobody asks for it: it is made anew when the clock says so.
    case noBuild
    /// The unmount has hung, and the ladder has another rung.
    case unmount(MountID, rung: Int)

    func check(_ effects: [Machine.Effect]) throws(Violation) {
        switch self {
        case .anything: break
        case .nothing:
            if let first = effects.first {
                throw Violation("10", "\(first) follows from an event that changes nothing")
            }
        case .noSharedFailure:
            let isShared = effects.contains {
                if case .reply(_, .mountFailed) = $0 { true } else { false }
            }
            if isShared { throw Violation("10", "the failure of an aborted build is shared") }
        case .sharedFailure(let requests):
            for request in requests where !effects.contains(.reply(request.id, .mountFailed)) {
                throw Violation("10", "the failed build is not the answer to \(request.id), who has waited for it")
            }
        case .ends(let keys):
            let said = effects.compactMap { if case .ended(let key, _) = $0 { key } else { nil } }
            if said.count != keys.keys.count || KeySet(Set(said)) != keys {
                throw Violation("5", "the reboot ended \(keys.keys.sorted()), and \(said.sorted()) is what was said")
            }
        case .noRetry(let refused):
            for case .write(let batch) in effects where batch.requests.isEmpty && batch.repeats(refused) {
                throw Violation("liveness", "a write that was refused is tried again at once, and nobody asks for it")
            }
        case .noBuild:
            for case .build in effects { throw Violation("10", "a mount that was lost is made anew without a pause") }
        case .unmount(let id, let rung):
            if !effects.contains(.unmount(id, rung: rung)) {
                throw Violation("10", "the unmount has hung, and rung \(rung) of the ladder is not tried")
            }
        }
    }
}

extension World {
    func expectation(of step: Step) -> Expectation {
        switch step {
        case .cancel(let position):
            let id = outstanding[Int(position)].id
            guard let request = machine.queue.first(where: { $0.id == id }) else { return .nothing }
            if case .undo = request.kind { return .nothing }
            return .anything
        case .commit(false):
            guard let pending else { return .anything }
            return .noRetry(pending)
        case .commit(true):
            guard let pending, case .purge = pending.row else { return .anything }
            return .ends(KeySet(pending.remove))
        case .hangs:
            guard case .unmount(let id, let rung) = running, rung + 1 < scenario.rungs, !machine.isDirty,
                progress == .started || stack.isEmpty,
                !machine.queue.contains(where: { $0.source == machine.row?.source })
            else { return .anything }
            return .unmount(id, rung: rung + 1)
        case .end:
            guard case .inspect = running, machine.seen == .ours, machine.row?.source.isExternal == false,
                !machine.queue.contains(where: \.isAttach)
            else { return .anything }
            return .noBuild
        case .build(succeeds: false):
            guard let operation = machine.operation, case .build(let source) = operation.kind else { return .anything }
            if operation.isAborted { return .noSharedFailure }
            // Where the key is durable already, a removal comes first.
            return .sharedFailure(machine.queue.filter { $0.source == source && !machine.held.contains($0.key) })
        default: return .anything
        }
    }
}

extension Machine.Batch {
    /// Whether something of the other is in it once more.
    fileprivate func repeats(_ other: Self) -> Bool {
        (row != .keep && row == other.row) || !remove.isDisjoint(with: other.remove)
    }
}
