// SPDX-License-Identifier: Apache-2.0

// What follows from the facts. Every rule leaves alone what does not concern it, so that any of them may find nothing
// to do; their order is their priority.
extension MountState {
    mutating func advance() {
        if isReadOnly {
            answerWithoutChange()
            return
        }
        if isPurging {
            purge()
            return
        }
        answerPointlessDetaches()
        if operation?.isStuck == true { fail(.stuck) { _ in true } }
        closeUnwanted()
        inspectIfInDoubt()
        refuseOtherSources()
        answerFromEvidence()
        if write == nil { compose() }
        placeIfDurable()
        actOnEvidence()
        abortUnwantedBuild()
        disarmIfIdle()
    }

    /// Nothing may be changed: what needs no change is answered from evidence, and everything else is refused, even a
    /// detach of what is not attached: what the ledger does not show may come back with it.
    private mutating func answerWithoutChange() {
        // Another boot's ids say nothing about what is there.
        if !isPurging {
            inspectIfInDoubt()
            refuseOtherSources()
            answerFromEvidence()
        }
        if let operation, !operation.isStuck { return }
        for request in queue { reply(to: request, .readOnly) }
        queue = []
    }

    /// Whatever the ledger says of another boot's mounts is void, and nothing is done before that is durable.
    private mutating func purge() {
        if write != nil || isTimerArmed { return }
        var batch = Batch()
        batch.remove = held.subtracting(persistent)
        // The removal of attachments that a reboot has ended needs no full sync: the next boot ends them again.
        if let row, !persistent.isEmpty {
            batch.row = .purge(Row(source: row.source, id: nil))
        } else {
            batch.row = .purge(nil)
        }
        begin(batch)
    }

    /// A detach of what is not attached changes nothing, whatever else goes on.
    private mutating func answerPointlessDetaches() {
        var index = 0
        while index < queue.count {
            let request = queue[index]
            if request.kind == .detach && !held.contains(request.key) && write?.concerns(request.key) != true {
                queue.remove(at: index)
                reply(to: request, .notAttached)
            } else {
                index += 1
            }
        }
    }

    private mutating func closeUnwanted() {
        guard let built, operation == nil, write == nil, !isWanted(built.source) else { return }
        close()
    }

    private mutating func inspectIfInDoubt() {
        guard operation == nil, built == nil, isDirty || seen == .unknown else { return }
        // A hint that comes from now on speaks of something this inspection may have missed.
        isDirty = false
        begin(.inspect(row?.id))
    }

    private mutating func refuseOtherSources() {
        guard let pinned = pinnedSource else { return }
        fail(.conflict) { $0.source != pinned }
    }

    /// The source that others have to agree with: that of the attachments, else the one being mounted for those who
    /// wait, else that of a mount that is there and awaited.
    private var pinnedSource: Source? {
        if !held.isEmpty || write?.add.isEmpty == false { return row?.source }
        if let built, isAwaited(built.source) { return built.source }
        if let operation, !operation.isAborted, case .build(let source) = operation.kind, isAwaited(source) {
            return source
        }
        if let row, isTrusted, seen == .ours, isAwaited(row.source) { return row.source }
        return nil
    }

    /// Attaches that need nothing but a look at what is known.
    private mutating func answerFromEvidence() {
        guard isTrusted else { return }
        switch seen {
        case .unknown, .empty: break
        case .covered, .moved: fail(.foreign) { _ in true }
        case .foreign: fail(.foreign) { $0.source?.isExternal != true }
        case .ours:
            guard let row else { return }
            var index = 0
            while index < queue.count {
                let request = queue[index]
                if request.source == row.source && isDurable(request) && !isBlocked(index)
                    && write?.remove.contains(request.key) != true
                {
                    queue.remove(at: index)
                    let isNew = request.isAdded || claim(request.key)
                    reply(to: request, isNew ? .attached : .already)
                } else {
                    index += 1
                }
            }
        }
    }

    private mutating func placeIfDurable() {
        guard let built, operation == nil, write == nil, row == built.row, isWanted(built.source) else { return }
        begin(.place(built.id))
    }

    /// What is to be done about the mount, once it is known how it stands.
    private mutating func actOnEvidence() {
        guard isTrusted else { return }
        switch seen {
        case .unknown: break
        case .empty: buildIfWanted()
        case .ours: unmountIfUnused()
        case .covered, .moved: if !held.isEmpty || row?.source.isExternal != true { arm() }
        case .foreign:
            // What somebody else has mounted is just what an external source is about.
            if wantedSource?.isExternal == true { buildIfWanted() } else if !held.isEmpty { arm() }
        }
    }

    /// The source that is to be mounted if one is: that of the attachments, else that of who asked first.
    private var wantedSource: Source? { held.isEmpty ? queue.first { $0.isAttach }?.source : row?.source }

    private mutating func buildIfWanted() {
        // The deletion of the old row speaks of a mountpoint at rest; its commit lets the build begin.
        if write?.row == .delete { return }
        if !queue.contains(where: \.isAttach) {
            let leaving = write?.remove ?? []
            // Nobody asks, so the back-off counts.
            if isTimerArmed || held.subtracting(leaving).subtracting(doomed).isEmpty || !isHealedByItself { return }
        }
        guard let source = wantedSource else { return }
        fail(.conflict) { $0.source != source }
        disarm()
        begin(.build(source))
    }

    private mutating func unmountIfUnused() {
        // The deletion of an external mount's row comes before this; to unmount it would be the worst of mistakes.
        guard let row, let id = row.id, !row.source.isExternal else { return }
        // Who waits and could use it is in a write by now.
        guard held.isEmpty, write == nil else { return }
        // Who waits with another source is owed an attempt now.
        if isTimerArmed && !queue.contains(where: { $0.isAttach }) { return }
        disarm()
        begin(.unmount(id, rung: nextRung))
        nextRung = 0
    }

    private mutating func abortUnwantedBuild() {
        guard let operation, !operation.isAborted, case .build(let source) = operation.kind, !isWanted(source) else {
            return
        }
        self.operation?.isAborted = true
        effects.append(.abort)
    }

    private mutating func disarmIfIdle() {
        guard isTimerArmed, doomed.isEmpty else { return }
        let isForgotten = row == nil && held.isEmpty && write == nil
        if isForgotten || phase == .mounted { disarm() }
    }
}
