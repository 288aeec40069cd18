// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
internal import Ledger
internal import Logging
internal import MountModel

extension MountManager {
    func carryOut(_ effect: MountpointState.Effect, for machine: Machine) {
        let mountpoint = machine.mountpoint
        let executor = executor
        switch effect {
        case .inspect(let id):
            let drifted = healableDrift(of: machine)
            operate(machine, in: .table) {
                var outcome = await executor.inspect(mountpoint, expecting: id)
                if outcome.seen == .ours, let id, let source = drifted {
                    outcome.problem = await executor.restoreAttributes(of: id, at: mountpoint, for: source)
                }
                return .ended(outcome)
            }
        case .build(let source):
            // Nothing new is begun on the way out: the next start comes by again.
            if isStopping { return machine.isDropped = true }
            let closing = machine.closing?.task
            let secrets = machine.secrets(for: source.source)
            operate(machine, in: .sources, server: configuration.catalog.server(of: source.source)) {
                // The old superblock would be in the new one's way.
                await closing?.value
                do throws(MountError) {
                    return .built(try await executor.build(source.source, for: mountpoint, secrets: secrets))
                } catch {
                    return .notBuilt(error)
                }
            }
        case .abort:
            giveUpBuild(of: machine)
        case .place(let id):
            // From here on the mount is the operation's: attached, or freed with it.
            machine.builtID = nil
            machine.drift = nil
            machine.silence = nil
            operate(machine, in: .table) { await .ended(executor.place(id, at: mountpoint)) }
        case .unmount(let id, let rung):
            unmount(id, rung: rung, of: machine)
        case .close:
            close(machine)
        case .write(let batch):
            write(batch, for: machine)
        case .ended(let key, let source):
            noteEnd(of: key, on: source.source, at: machine)
        case .reply(let id, let answer):
            reply(answer, to: id, of: machine)
        case .arm(let setback):
            arm(machine, after: setback)
        case .disarm:
            machine.timer?.task.cancel()
            machine.timer = nil
        }
    }

    private func close(_ machine: Machine) {
        guard let id = machine.builtID else { return }
        machine.builtID = nil
        let earlier = machine.closing?.task
        closeAfter(
            Task { [executor] in
                await earlier?.value
                await executor.close(id)
            }, at: machine)
    }

    /// The machine is not at rest, and does not build, before the task has ended.
    func closeAfter(_ closing: Task<Void, Never>, at machine: Machine) {
        let number = nextNumber()
        let mountpoint = machine.mountpoint
        let task = Task {
            await closing.value
            guard let machine = machines[mountpoint], machine.closing?.number == number else { return }
            machine.closing = nil
            noteRest(of: machine)
        }
        machine.closing = (task, number)
    }

    /// How a kernel operation ended.
    enum End: Sendable {
        case ended(OperationOutcome)
        case built(MountID)
        case notBuilt(MountError)
        case notBegun
    }

    func operate(
        _ machine: Machine, in lane: Lane.Name, server: ExactText? = nil,
        _ operation: @escaping @Sendable () async -> End
    ) {
        let mountpoint = machine.mountpoint
        let progress = OperationProgress()
        let turn = Turn(in: lane, isAwaited: machine.isAwaited, server: server, at: mountpoint) { [weak machine] in
            machine?.operation?.task = Task {
                let end = await OperationProgress.$current.withValue(progress, operation: operation)
                self.finish(end, at: mountpoint)
            }
        }
        machine.operation = (turn, progress, nil)
        enter(turn)
    }

    /// A build that has not begun never will; one that has is told, and its worker is killed.
    private func giveUpBuild(of machine: Machine) {
        guard let operation = machine.operation else { return }
        if withdraw(operation.turn) {
            let mountpoint = machine.mountpoint
            // Later, because the effects of the event in hand come first.
            Task { finish(.notBegun, at: mountpoint) }
        } else {
            operation.task?.cancel()
        }
    }

    /// A machine with an operation in flight is never forgotten, so the mountpoint finds the one that began it.
    private func finish(_ end: End, at mountpoint: Mountpoint) {
        guard let machine = machines[mountpoint] else { return }
        if let turn = machine.operation?.turn, turn.state == .running || turn.state == .left { self.end(turn) }
        machine.operation = nil
        var isHealingRefused = false
        switch end {
        case .ended(let outcome):
            isHealingRefused = outcome.seen == .ours && outcome.problem != nil
            if let problem = outcome.problem ?? unexplained(outcome, of: machine) {
                note(problem, of: machine)
            }
            machine.noteUnmount(outcome)
            feed(outcome.hungRung != nil ? .unmountHung(outcome.seen) : .operationEnded(outcome.seen), to: machine)
        case .built(let id):
            machine.builtID = id
            feed(.built(id), to: machine)
        case .notBuilt(let error):
            note(error, of: machine)
            feed(.built(nil), to: machine)
        case .notBegun:
            feed(.built(nil), to: machine)
        }
        if machine.state.phase == .mounted {
            // Why it could not be put right stays to be shown.
            if machine.drift == nil || !isHealingRefused { machine.problem = nil }
            machine.backoff.succeeded()
        }
    }

    /// A mount that was placed and is gone at the first look.
    private func unexplained(_ outcome: OperationOutcome, of machine: Machine) -> MountError? {
        guard case .place = machine.state.operation?.kind, outcome.seen == .empty else { return nil }
        return MountError(
            .mountFailed, "the mount of \(machine.mountpoint) was gone right after it was placed",
            context: context("place", source: machine.source, at: machine.mountpoint),
            hint: "somebody unmounts there: find out who, and try again")
    }

    /// A retry that fails as the one before is no news.
    private func note(_ error: MountError, of machine: Machine) {
        let isNews = machine.problem != error
        machine.problem = error
        logger.log(
            level: isNews ? .warning : .debug, "\(error.message)",
            metadata: ["mountpoint": "\(machine.mountpoint)", "code": "\(error.code.rawValue)"])
    }

    // MARK: - The ledger

    private func write(_ batch: MountpointState.Batch, for machine: Machine) {
        let mountpoint = machine.mountpoint
        let (change, added) = ledgerChange(for: batch, of: machine)
        let removesFolder = change.record == .delete
        Task {
            // The folder goes before the record does: a crash in between leaves the record, and recovery comes by
            // again.
            if removesFolder {
                let turn = await turn(in: .table, forWriteAt: mountpoint)
                await removeFolder(at: mountpoint)
                end(turn)
            }
            let turn = await turn(in: .ledger, forWriteAt: mountpoint)
            do throws(MountError) {
                try await ledger.commit(change)
                end(turn)
                committed(batch, added: added, at: mountpoint)
            } catch {
                end(turn)
                notCommitted(error, at: mountpoint)
            }
        }
    }

    private func ledgerChange(
        for batch: MountpointState.Batch, of machine: Machine
    ) -> (change: LedgerChange, added: [Attachment]) {
        let added = batch.add.map { key in
            let maker = batch.requests.first { $0.key == key && $0.isAttach }
            // An attach that is written has a caller; root is who could detach it if there were none.
            let owner = maker.flatMap { machine.waiting[$0.id]?.owner } ?? 0
            // One that is there becomes persistent, and stays his who made it.
            let existing = machine.attachments[key]
            return Attachment(
                key: key, owner: existing?.owner ?? owner,
                persistent: batch.persistent.contains(key) || existing?.persistent == true)
        }
        let record: LedgerChange.RecordChange =
            switch batch.row {
            case .keep: .keep
            case .set(let row), .purge(.some(let row)): .set(record(of: row))
            case .delete, .purge(nil): .delete
            }
        let change = LedgerChange(
            mountpoint: machine.mountpoint, record: record, add: added, remove: Array(batch.remove),
            fullSync: batch.fullSync)
        return (change, added)
    }

    private func record(of row: MountpointState.Row) -> MountRecord {
        MountRecord(source: row.source.source, boot: configuration.boot, mountID: row.id)
    }

    private func committed(_ batch: MountpointState.Batch, added: [Attachment], at mountpoint: Mountpoint) {
        guard let machine = machines[mountpoint] else { return }
        machine.writing = nil
        let before = machine.attachments.count
        for key in batch.remove { machine.leaving[key] = machine.attachments.removeValue(forKey: key) }
        for attachment in added { machine.attachments[attachment.key] = attachment }
        counts.attachments += machine.attachments.count - before
        // One that waits on, because the mount has changed meanwhile, is not on its way any more.
        for request in batch.requests where request.isAttach && machine.waiting[request.id]?.isNew == true {
            machine.waiting[request.id]?.isNew = false
            counts.newAttaches -= 1
        }
        // What has changed in the kernel since the request came is to be known before it is answered.
        takeChanges()
        feed(.committed(true), to: machine)
        machine.leaving = [:]
        withdrawAgain(at: machine)
    }

    /// A request that was withdrawn while it was being written waits on if the mount has changed meanwhile; its caller
    /// does not.
    private func withdrawAgain(at machine: Machine) {
        for (id, request) in machine.waiting where request.withdrawal != nil { feed(.cancel(id), to: machine) }
    }

    /// An attachment that nobody has detached is gone: said once for each, for who looks for it.
    private func noteEnd(of key: AttachmentKey, on source: MountSource, at machine: Machine) {
        logger.notice(
            "an attachment has ended with the reboot: it was not persistent",
            metadata: [
                "mountpoint": "\(machine.mountpoint)", "consumer": "\(key.consumer)", "volume": "\(key.volume)",
                "owner": "\(machine.leaving[key]?.owner, default: "")", "source": "\(source)",
            ])
    }

    private func notCommitted(_ error: MountError, at mountpoint: Mountpoint) {
        guard let machine = machines[mountpoint] else { return }
        machine.writing = nil
        machine.ledgerProblem = error
        logger.error("\(error.message)", metadata: ["mountpoint": "\(mountpoint)"])
        checkLedgerPlace()
        feed(.committed(false), to: machine)
    }

    // MARK: - The retry clock

    private func arm(_ machine: Machine, after setback: MountpointState.Setback) {
        // The next start looks again; nothing new is begun on the way out.
        guard !isStopping else { return }
        let token = nextNumber()
        let pause = machine.backoff.pause(after: setback)
        let mountpoint = machine.mountpoint
        let task = Task {
            guard await Deadline.passes(after: pause) else { return }
            fire(token, at: mountpoint)
        }
        machine.timer?.task.cancel()
        machine.timer = (task, token, hasPause: pause > .zero)
    }

    private func fire(_ token: UInt64, at mountpoint: Mountpoint) {
        guard let machine = machines[mountpoint], machine.timer?.token == token else { return }
        machine.timer = nil
        feed(.timer, to: machine)
    }
}
