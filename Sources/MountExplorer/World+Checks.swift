// SPDX-License-Identifier: Apache-2.0

import MountModel

// What must hold after every step.
extension World {
    func check() throws(Violation) {
        try checkKernel()
        try checkPromises()
        guard isUp else { return }
        try checkRequests()
        try checkBooks()
        try checkUnmount()
        if isQuiet { try checkRest() }
    }

    private func checkKernel() throws(Violation) {
        if ours == 0 { return }
        if ours > 1 { throw Violation("4", "two mounts of ours are there") }
        guard let row = ledger.row, let id = row.id, !row.source.isExternal, !ledger.isOfOldBoot,
            stack.contains(id) || slot == id || elsewhere == id
        else {
            throw Violation("9", "a mount of ours is there, and its row is not")
        }
    }

    private func checkPromises() throws(Violation) {
        if !promised.isSubset(of: ledger.held) {
            throw Violation("5", "an acknowledged attachment is not in the ledger")
        }
        if !vowed.isSubset(of: ledger.persistent) {
            throw Violation("5", "an attachment that was acknowledged as persistent is not")
        }
        if promised == ledger.held || ledger.isOfOldBoot { return }
        for key in scenario.keys where ledger.held.contains(key) && !promised.contains(key) {
            let isAsked = outstanding.contains { $0.isAttach && $0.key == key }
            if !isAsked && !machine.doomed.contains(key) {
                throw Violation("5", "key \(key) is in the ledger, and nobody was told so")
            }
        }
    }

    private func checkRequests() throws(Violation) {
        let written = machine.write?.requests ?? []
        if machine.queue.count + written.count != outstanding.count {
            throw Violation(
                "6", "\(outstanding.count) requests wait, the machine knows of \(machine.queue.count + written.count)")
        }
        for request in outstanding {
            let isKnown = machine.queue.contains { $0.id == request.id } || written.contains { $0.id == request.id }
            if !isKnown { throw Violation("6", "request \(request.id) is forgotten") }
        }
    }

    private func checkBooks() throws(Violation) {
        if KeySet(machine.held) != ledger.held { throw Violation("10", "held is not what the ledger has") }
        if KeySet(machine.persistent) != ledger.persistent {
            throw Violation("10", "persistent is not what the ledger has")
        }
        if machine.row != ledger.row { throw Violation("10", "row is not what the ledger has") }
        if machine.operation?.kind != running { throw Violation("10", "operation is not what runs") }
        if (machine.write == nil) != (pending == nil) { throw Violation("10", "write is not what is being written") }
        if machine.built?.id != descriptor { throw Violation("10", "built is not the descriptor that is held") }
        if machine.isTimerArmed != isTimerSet { throw Violation("10", "the timer is not as the machine believes") }
        if machine.operation?.isStuck == true && !machine.isPurging && machine.queue.contains(where: \.isAttach) {
            throw Violation("10", "an attach waits behind a stuck operation")
        }
    }

    private func checkUnmount() throws(Violation) {
        guard case .unmount = running else { return }
        if !ledger.held.isEmpty || !promised.isEmpty {
            throw Violation("3", "an attachment came while an unmount runs")
        }
    }

    private func checkRest() throws(Violation) {
        if machine.isReadOnly {
            if !machine.queue.isEmpty { throw Violation("7", "a request waits, and nothing may be changed") }
            return
        }
        if machine.isPurging {
            if !machine.isTimerArmed { throw Violation("7", "the clean-up after a reboot waits for nothing") }
            return
        }
        if !machine.queue.isEmpty { throw Violation("7", "a request waits, and nothing is under way") }
        if machine.built != nil { throw Violation("7", "a built mount is kept, and nothing is under way") }
        if machine.seen != look(for: machine.row?.id) {
            throw Violation("7", "the kernel is not as seen: \(machine.seen)")
        }
        if isTimerSet { return }
        if ledger.held.isEmpty {
            if ledger.row != nil || ours > 0 {
                throw Violation("7", "something is left of a mount that nobody uses, and no retry is scheduled")
            }
        } else if machine.seen != .ours && (machine.seen != .empty || machine.isHealedByItself) {
            throw Violation("7", "attachments are left without their mount, and no retry is scheduled")
        }
    }
}
