// SPDX-License-Identifier: Apache-2.0

// The next ledger write: everything that can be made durable now goes into one batch.
extension MountState {
    mutating func compose() {
        var batch = Batch()
        takeAdditions(into: &batch)
        takeRemovals(into: &batch)
        chooseRow(for: &batch)
        if batch.isEmpty { return }
        // A detach must survive a power cut as well: a persistent attachment would come back with the next boot.
        batch.fullSync = !batch.persistent.isEmpty || !persistent.isDisjoint(with: batch.remove)
        begin(batch)
    }

    mutating func begin(_ batch: Batch) {
        write = batch
        effects.append(.write(batch))
    }

    /// Attaches of the mount that is there and verified.
    private mutating func takeAdditions(into batch: inout Batch) {
        guard let row, isTrusted, seen == .ours else { return }
        var index = 0
        while index < queue.count {
            let request = queue[index]
            guard case .attach(let source, let isPersistent) = request.kind, source == row.source,
                !isDurable(request), !isBlocked(index)
            else {
                index += 1
                continue
            }
            batch.add.insert(request.key)
            if isPersistent { batch.persistent.insert(request.key) }
            batch.requests.append(queue.remove(at: index))
        }
    }

    /// The first detach or undo of each held key; a second one of the same key finds nothing left.
    private mutating func takeRemovals(into batch: inout Batch) {
        if held.isEmpty { return }
        var isDoomedAskedFor = false
        var index = 0
        while index < queue.count {
            let request = queue[index]
            if doomed.contains(request.key) { isDoomedAskedFor = true }
            if request.isRemoval && held.contains(request.key) && batch.remove.insert(request.key).inserted {
                batch.requests.append(queue.remove(at: index))
            } else {
                index += 1
            }
        }
        if doomed.isEmpty { return }
        // On its own, what is owed waits for the clock; in a batch that is written anyway, it costs nothing.
        if !isTimerArmed || isDoomedAskedFor || !batch.isEmpty { batch.remove.formUnion(doomed) }
    }

    private func chooseRow(for batch: inout Batch) {
        if let built {
            guard operation == nil, row != built.row else { return }
            // Are the last attachments leaving with this batch, then its commit has the mount closed.
            let isHeld = !held.subtracting(batch.remove).subtracting(doomed).isEmpty
            if isHeld || isAwaited(built.source) { batch.row = .set(built.row) }
            return
        }
        guard held.isEmpty, batch.add.isEmpty, isTrusted, let row, isForgettable(row) else { return }
        batch.row = .delete
    }

    /// Whether nothing of ours is there that nobody uses, but for the row itself.
    private func isForgettable(_ row: Row) -> Bool {
        let isAwaited = queue.contains { $0.isAttach }
        switch seen {
        case .unknown: return false
        // Who waits will have the row overwritten.
        case .empty, .foreign: return !isAwaited && !isTimerArmed
        // Who waits with another source is owed an attempt now.
        case .ours, .covered, .moved:
            return row.source.isExternal && !self.isAwaited(row.source) && (isAwaited || !isTimerArmed)
        }
    }
}
