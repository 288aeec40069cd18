// SPDX-License-Identifier: Apache-2.0

import MountModel

// What the shell does with an effect, and what must hold at that moment.
extension World {
    mutating func carryOut(_ effect: Machine.Effect) throws(Violation) {
        try checkIsAllowed(effect)
        switch effect {
        case .inspect(let id): try begin(.inspect(id))
        case .build(let source): try begin(.build(source))
        case .place(let id): try place(id)
        case .unmount(let id, let rung): try unmount(id, rung: rung)
        case .abort:
            guard case .build = running else { throw Violation("10", "an abort without a build") }
        case .close:
            if descriptor == nil { throw Violation("10", "a close without a descriptor") }
            descriptor = nil
        case .write(let batch):
            if pending != nil { throw Violation("1", "a second write is started") }
            pending = batch
        case .ended(let key, _): try end(key)
        case .reply(let id, let answer): try reply(id, answer)
        case .arm:
            if isTimerSet { throw Violation("10", "the timer is armed twice") }
            isTimerSet = true
        case .disarm:
            if !isTimerSet { throw Violation("10", "the timer is disarmed twice") }
            isTimerSet = false
        }
    }

    private func checkIsAllowed(_ effect: Machine.Effect) throws(Violation) {
        if !machine.isReadOnly { return }
        switch effect {
        case .inspect, .reply: break
        default: throw Violation("11", "\(effect) although nothing must be changed")
        }
    }

    private func end(_ key: UInt8) throws(Violation) {
        if ledger.held.contains(key) || promised.contains(key) {
            throw Violation("5", "key \(key) is said to have ended, and has not")
        }
    }

    private mutating func begin(_ operation: Machine.Operation.Kind) throws(Violation) {
        if let running { throw Violation("1", "\(operation) is started while \(running) runs") }
        running = operation
        progress = .started
    }

    private mutating func place(_ id: MountID) throws(Violation) {
        if descriptor != id { throw Violation("10", "a mount is placed whose descriptor is not held") }
        if ledger.row?.id != id || ledger.isOfOldBoot {
            throw Violation("8", "mount \(id) is placed before its row is durable")
        }
        if ours > 0 && !isVerifying { throw Violation("4", "a mount is placed while one of ours is there") }
        try begin(.place(id))
    }

    private mutating func unmount(_ id: MountID, rung: Int) throws(Violation) {
        if rung >= scenario.rungs { throw Violation("10", "the ladder has no rung \(rung)") }
        if rung > 0 && !hasHung { throw Violation("10", "rung \(rung) of the ladder is tried, and nothing has hung") }
        if ledger.row?.source.isExternal == true { throw Violation("3", "somebody else's mount is unmounted") }
        if machine.isDirty { throw Violation("3", "an unmount is started in spite of a hint") }
        if !ledger.held.isEmpty { throw Violation("3", "an unmount is started with attachments in the ledger") }
        if !promised.isEmpty { throw Violation("3", "an unmount is started with attachments acknowledged") }
        if let source = ledger.row?.source, outstanding.contains(where: { isWaiting($0) && $0.source == source }) {
            throw Violation("3", "an unmount is started although an attach waits that could use the mount")
        }
        try begin(.unmount(id, rung: rung))
    }

    /// Whether the machine still has the request as an attach in its queue.
    private func isWaiting(_ request: Machine.Request) -> Bool {
        machine.queue.contains { $0.id == request.id && $0.isAttach }
    }

    // MARK: Answers

    private mutating func reply(_ id: RequestID, _ answer: Machine.Answer) throws(Violation) {
        guard let index = outstanding.firstIndex(where: { $0.id == id }) else {
            throw Violation("6", "request \(id) is answered \(answer), but is not waiting")
        }
        let request = outstanding[index]
        if answer.isSuccess {
            let isOvertaken = outstanding[..<index].contains {
                $0.key == request.key && $0.isAttach != request.isAttach
            }
            if isOvertaken { throw Violation("1b", "\(answer) overtakes an older request of the same key") }
        }
        outstanding.remove(at: index)
        switch answer {
        case .attached, .already:
            if !request.isAttach { throw Violation("6", "a detach is answered \(answer)") }
            try checkAttached(request)
            if answer == .already && !promised.contains(request.key) {
                throw Violation("2", "already attached, but nobody was told so before")
            }
            promised.insert(request.key)
            if request.isPersistent { vowed.insert(request.key) }
        case .detached, .notAttached:
            if request.isAttach { throw Violation("6", "an attach is answered \(answer)") }
            try checkDetached(request, answer)
            promised.remove(request.key)
            vowed.remove(request.key)
        case .cancelled, .mountFailed, .conflict, .foreign, .busy, .stuck, .exhausted, .readOnly: break
        }
    }

    private func checkAttached(_ request: Machine.Request) throws(Violation) {
        let key = request.key
        if !ledger.held.contains(key) { throw Violation("2", "attached, but key \(key) is not durable") }
        if request.isPersistent && !synced.persistent.contains(key) {
            throw Violation("2", "attached, but the persistent key \(key) would not survive a power cut")
        }
        guard let row = ledger.row, !ledger.isOfOldBoot, row.source == request.source else {
            throw Violation("2", "attached, but the row is not of this boot and source")
        }
        if !isHintPending && (row.id == nil || stack.top != row.id) {
            throw Violation("2", "attached, but the topmost mount is not ours, and no hint is on its way")
        }
        if machine.isDirty { throw Violation("2", "attached in spite of a hint") }
    }

    private func checkDetached(_ request: Machine.Request, _ answer: Machine.Answer) throws(Violation) {
        let key = request.key
        if (answer == .detached) != promised.contains(key) {
            throw Violation("5b", "\(answer) is not what the clients know of key \(key)")
        }
        if ledger.held.contains(key) { throw Violation("5b", "\(answer), but key \(key) is durable") }
        if synced.persistent.contains(key) {
            throw Violation("5b", "\(answer), but a power cut would bring the persistent key \(key) back")
        }
    }
}

extension Machine.Request {
    /// Whether it asks for an attachment that outlives a reboot.
    var isPersistent: Bool { if case .attach(_, persistent: true) = kind { true } else { false } }
}
