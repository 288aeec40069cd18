// SPDX-License-Identifier: Apache-2.0

// The steps that events and rules are made of. Each keeps the facts and the effects together.
extension MountState {
    // MARK: Answers

    mutating func reply(to request: Request, _ answer: Answer) {
        effects.append(.reply(request.id, answer))
    }

    /// Fails the waiting attaches that match.
    mutating func fail(_ answer: Answer, where matches: (Request) -> Bool) {
        var index = 0
        while index < queue.count {
            let count = queue.count
            if queue[index].isAttach && matches(queue[index]) { fail(at: index, answer) }
            // An attach that became an undo is still there.
            if queue.count == count { index += 1 }
        }
    }

    /// Fails one waiting attach.
    ///
    /// A failed attach leaves nothing. Is its key durable already, then another attach of the same key may have it;
    /// where there is none, the key is removed first and the failure is told afterwards.
    mutating func fail(at index: Int, _ answer: Answer) {
        let request = queue[index]
        if request.isAdded {
            let heir = queue.indices.first {
                $0 != index && queue[$0].isAttach && queue[$0].key == request.key && !isBlocked($0)
            }
            guard let heir else {
                queue[index].kind = .undo(answer)
                queue[index].isAdded = false
                return
            }
            queue[heir].isAdded = true
        }
        queue.remove(at: index)
        reply(to: request, answer)
    }

    /// Whether nobody has been told of the key, whose first answer was owed to another request: it is owed no longer.
    mutating func claim(_ key: Key) -> Bool {
        if let index = queue.firstIndex(where: { $0.key == key && $0.isAdded }) {
            queue[index].isAdded = false
            return true
        }
        guard let index = write?.requests.firstIndex(where: { $0.key == key && $0.isAdded }) else { return false }
        write?.requests[index].isAdded = false
        return true
    }

    /// Whether a waiting request must let another have its way first: the removal of its key.
    func isBlocked(_ index: Int) -> Bool {
        let key = queue[index].key
        if doomed.contains(key) { return true }
        return queue[..<index].contains { $0.isRemoval && $0.key == key }
    }

    /// Whether the ledger has all that an attach asks for, and only its answer is owed.
    func isDurable(_ request: Request) -> Bool {
        guard held.contains(request.key) else { return false }
        guard case .attach(_, persistent: true) = request.kind else { return true }
        // A ledger that cannot be written cannot be synced either.
        return persistent.contains(request.key) && !isReadOnly
    }

    // MARK: Who wants what

    /// Whether what was last seen can be relied on: nothing is under way that changes it. A hint that speaks against it
    /// has begun an inspection by then.
    var isTrusted: Bool { operation == nil && built == nil }

    /// Whether attachments are left, but for those that were answered as failed.
    var hasAttachments: Bool { held.count > doomed.count }

    func isAwaited(_ source: Source) -> Bool { queue.contains { $0.source == source } }

    /// Whether a mount of this source has a use.
    func isWanted(_ source: Source) -> Bool { hasAttachments || isAwaited(source) }

    /// Whether a lost mount is made anew without being asked; one that is only wanted, after a reboot, always is.
    package var isHealedByItself: Bool {
        guard let row else { return false }
        return row.id == nil || row.source.isHealed || row.source.isExternal
    }

    // MARK: Effects with a fact behind them

    mutating func begin(_ kind: Operation.Kind) {
        operation = Operation(kind)
        switch kind {
        case .inspect(let id): effects.append(.inspect(id))
        case .build(let source): effects.append(.build(source))
        case .place(let id): effects.append(.place(id))
        case .unmount(let id, let rung): effects.append(.unmount(id, rung: rung))
        case .orphan: break
        }
    }

    mutating func close() {
        if built == nil { return }
        built = nil
        effects.append(.close)
    }

    mutating func arm(after setback: Setback = .failure) {
        if isTimerArmed { return }
        isTimerArmed = true
        effects.append(.arm(after: setback))
    }

    /// Starts it where attachments are left without their mount, which is to be made anew.
    mutating func armIfLost(after setback: Setback = .failure) {
        if !held.isEmpty && isHealedByItself && !isReadOnly { arm(after: setback) }
    }

    mutating func disarm() {
        if !isTimerArmed { return }
        isTimerArmed = false
        effects.append(.disarm)
    }
}
