// SPDX-License-Identifier: Apache-2.0

// What each event changes among the facts. What follows from them is decided afterwards, in `advance()`.
extension MountState {
    mutating func note(_ event: Event) {
        switch event {
        case .start: break
        case .request(let request): noteRequest(request)
        case .cancel(let id): noteCancel(id)
        case .built(let id): noteBuilt(id)
        case .operationEnded(let seen): noteEnd(seen)
        case .unmountHung(let seen): noteEnd(seen, isHung: true)
        case .operationStuck: operation?.isStuck = true
        case .committed(let isDurable): noteCommit(isDurable)
        case .timer: noteTimer()
        case .hint: isDirty = true
        }
    }

    // MARK: Requests

    private mutating func noteRequest(_ request: Request) {
        if request.isAttach {
            queue.append(request)
            // Whoever asks deserves fresh evidence that something foreign is still there.
            if operation == nil { lookAgainIfObstructed() }
        } else {
            // A detach does not wait for the attach it makes pointless: the mount may take for ever.
            fail(.cancelled) { $0.key == request.key }
            queue.append(request)
        }
    }

    private mutating func noteCancel(_ id: RequestID) {
        // A request in `write` is answered by its commit, an undo by its removal's: both take milliseconds.
        guard let index = queue.firstIndex(where: { $0.id == id }) else { return }
        switch queue[index].kind {
        case .attach: fail(at: index, .cancelled)
        case .detach: reply(to: queue.remove(at: index), .cancelled)
        case .undo: break
        }
    }

    // MARK: Ends of operations

    private mutating func noteBuilt(_ id: MountID?) {
        guard let operation, case .build(let source) = operation.kind else { return }
        self.operation = nil
        if let id {
            built = BuiltMount(source: source, id: id)
            return
        }
        // An aborted build fails because nobody wanted it; whoever has come since is owed an attempt of his own.
        if !operation.isAborted { fail(.mountFailed) { $0.source == source } }
        armIfLost()
    }

    private mutating func noteEnd(_ end: Seen, isHung: Bool = false) {
        guard let operation else { return }
        switch operation.kind {
        case .build: return
        case .inspect(let id):
            // The row may have gone meanwhile, and with it what this is about.
            let isAboutRow = id == row?.id || end == .empty || end == .foreign
            let wasObstructed = isObstructed
            let wasThere = seen == .ours
            seen = isAboutRow ? end : .unknown
            // One that dies whenever it is made is not made as fast as it dies.
            if wasThere && seen == .empty { armIfLost(after: .loss) }
            // The pause was for what stood in the way, and that has gone.
            if wasObstructed && !isObstructed { disarm() }
            // What hung has ended after all, or something else is to be done first.
            if seen != .ours { nextRung = 0 }
        case .orphan: seen = .unknown
        case .place:
            seen = end
            // An external mount that is another one by now is looked for again when somebody asks.
            let isGone = end == .empty || (end == .foreign && built?.source.isExternal == true)
            // Its descriptor would keep the mount busy, and a second move through it would move the placed mount.
            close()
            if isGone {
                fail(.mountFailed) { _ in true }
                armIfLost()
            }
        case .unmount(_, let rung):
            seen = end
            self.operation = nil
            if end == .ours { noteFailedUnmount(rung: rung, isHung: isHung) }
            return
        }
        self.operation = nil
    }

    private mutating func noteFailedUnmount(rung: Int, isHung: Bool) {
        guard let row else { return }
        // Who waits for the place to be free has waited for this; who can use the mount as it is takes it over instead.
        fail(.busy) { $0.source != row.source }
        if queue.contains(where: { $0.source == row.source }) { return }
        // A mount that is only in use is its users', whatever they are.
        if isHung && rung + 1 < rungs {
            nextRung = rung + 1
        } else {
            arm()
        }
    }

    // MARK: Commits

    private mutating func noteCommit(_ isDurable: Bool) {
        guard let batch = write else { return }
        write = nil
        if isDurable { noteDurable(batch) } else { noteRefused(batch) }
    }

    private mutating func noteDurable(_ batch: Batch) {
        let failedBefore = doomed
        switch batch.row {
        case .keep: break
        case .set(let row):
            self.row = row
            // It is there already, and was not known as what this is about.
            if row.source.isExternal { seen = .unknown }
        case .delete:
            row = nil
            // What else was seen, was seen in relation to its id.
            if seen != .empty && seen != .foreign { seen = .unknown }
        case .purge(let row):
            if let source = self.row?.source { for key in batch.remove { effects.append(.ended(key, source)) } }
            self.row = row
            isPurging = false
        }
        if !batch.remove.isEmpty {
            held.subtract(batch.remove)
            persistent.subtract(batch.remove)
            doomed.subtract(batch.remove)
            // The pause was for those who have left: what is to be cleared away now need not wait for it.
            if held.isEmpty { disarm() }
        }
        let heldBefore = held
        if !batch.add.isEmpty {
            nextRung = 0
            held.formUnion(batch.add)
            persistent.formUnion(batch.persistent)
        }
        var unverified: [Request] = []
        for var request in batch.requests {
            switch request.kind {
            case .detach: reply(to: request, failedBefore.contains(request.key) ? .notAttached : .detached)
            case .undo(let answer): reply(to: request, answer)
            case .attach:
                // One that only became persistent was there before, and stays even if this request fails.
                let isNew = request.isAdded || !heldBefore.contains(request.key)
                if isTrusted && seen == .ours {
                    reply(to: request, isNew ? .attached : .already)
                } else {
                    request.isAdded = isNew
                    unverified.append(request)
                }
            }
        }
        putBack(unverified)
    }

    /// Requests whose key became durable while the mount was in doubt wait on, before all others.
    private mutating func putBack(_ requests: [Request]) {
        if requests.isEmpty { return }
        queue.insert(contentsOf: requests, at: 0)
        for key in Set(requests.map(\.key)) where queue.contains(where: { $0.key == key && $0.kind == .detach }) {
            fail(.cancelled) { request in request.key == key && requests.contains { $0.id == request.id } }
        }
    }

    private mutating func noteRefused(_ batch: Batch) {
        for request in batch.requests {
            if case .undo(let answer) = request.kind {
                doomed.insert(request.key)
                reply(to: request, answer)
            } else if request.isAdded {
                // Its key is durable, only not persistent: it has to go before the failure is told.
                queue.insert(request, at: 0)
                fail(at: 0, .exhausted)
            } else {
                reply(to: request, .exhausted)
            }
        }
        if !doomed.isEmpty {
            arm()
            let doomed = doomed
            fail(.exhausted) { doomed.contains($0.key) }
        }
        switch batch.row {
        case .keep: break
        case .set:
            close()
            fail(.exhausted) { _ in true }
            armIfLost()
        case .delete:
            arm()
            // Where an external mount is, others have waited for its row to go.
            let source = row?.source
            if seen != .empty && seen != .foreign { fail(.exhausted) { $0.source != source } }
        case .purge:
            arm()
            for request in queue { reply(to: request, .exhausted) }
            queue = []
        }
    }

    // MARK: The clock

    private mutating func noteTimer() {
        guard isTimerArmed else { return }
        isTimerArmed = false
        if operation == nil { lookAgainIfObstructed() }
    }

    private mutating func lookAgainIfObstructed() {
        if isObstructed { isDirty = true }
    }
}
