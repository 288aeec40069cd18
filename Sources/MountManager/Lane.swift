// SPDX-License-Identifier: Apache-2.0

internal import MountModel

/// Lets a bounded number of things be under way at once; the others wait for their turn.
///
/// There are two queues, each in order of arrival: what somebody waits for, and what the manager does for itself, such
/// as the recovery of thousands of mounts. They take turns, so that neither holds the other up.
struct Lane {
    /// How many may be under way at once.
    let limit: Int
    private(set) var running = 0
    /// How many of those that are under way or wait are awaited by somebody.
    private(set) var awaited = 0
    private var awaitedQueue = TurnQueue(isAwaited: true)
    private var otherQueue = TurnQueue(isAwaited: false)
    private var isOthersTurn = false

    init(limit: Int) { self.limit = limit }

    /// How many the queues keep, those included that were withdrawn.
    var held: Int { awaitedQueue.held + otherQueue.held }

    /// Whether the next one has to wait.
    var isFull: Bool { running >= limit }

    /// How many wait.
    var waiting: Int { awaitedQueue.count + otherQueue.count }

    /// Puts a turn at its queue's end.
    mutating func add(_ turn: Turn) {
        if turn.isAwaited {
            awaited += 1
            awaitedQueue.append(turn)
        } else {
            otherQueue.append(turn)
        }
    }

    /// Somebody waits for it now.
    mutating func promote(_ turn: Turn) {
        guard turn.state == .waiting, !turn.isAwaited else { return }
        // It goes to the other queue's end; its place in this one is passed over when it comes up.
        turn.isAwaited = true
        otherQueue.withdrawOne()
        add(turn)
    }

    /// Takes it out of its queue.
    ///
    /// - Returns: whether it was still waiting.
    mutating func withdraw(_ turn: Turn) -> Bool {
        guard turn.state == .waiting else { return false }
        turn.state = .withdrawn
        if turn.isAwaited {
            awaited -= 1
            awaitedQueue.withdrawOne()
        } else {
            otherQueue.withdrawOne()
        }
        return true
    }

    /// Whose turn it is; nil where nobody waits or the lane is full.
    mutating func next() -> Turn? {
        guard running < limit else { return nil }
        let turn =
            isOthersTurn
            ? otherQueue.popFirst() ?? awaitedQueue.popFirst() : awaitedQueue.popFirst() ?? otherQueue.popFirst()
        guard let turn else { return nil }
        isOthersTurn = turn.isAwaited
        turn.state = .running
        running += 1
        return turn
    }

    /// It is no longer under way.
    mutating func end(_ turn: Turn) {
        running -= 1
        if turn.isAwaited { awaited -= 1 }
    }

    /// What the lanes of a manager are for.
    enum Name: Hashable, CaseIterable {
        /// Builds, which look at sources.
        case sources
        /// Operations on the mount table and on mountpoints' folders.
        case table
        /// Ledger writes.
        case ledger
    }
}

/// Something that is to be begun when it is its turn. Never leaves the actor.
final class Turn {
    enum State { case waiting, running, withdrawn }

    let lane: Lane.Name
    /// What is done when it is its turn.
    var begin: () -> Void
    fileprivate(set) var state = State.waiting
    fileprivate(set) var isAwaited: Bool

    init(in lane: Lane.Name, isAwaited: Bool, begin: @escaping () -> Void = {}) {
        self.lane = lane
        self.isAwaited = isAwaited
        self.begin = begin
    }
}

/// Turns in order of arrival; those that were withdrawn or promoted are passed over.
private struct TurnQueue {
    /// Whether it is for turns that somebody waits for.
    let isAwaited: Bool
    private var turns: [Turn] = []
    private var head = 0
    /// How many of them still count.
    private(set) var count = 0

    init(isAwaited: Bool) { self.isAwaited = isAwaited }

    mutating func append(_ turn: Turn) {
        turns.append(turn)
        count += 1
    }

    /// How many it keeps, those included that do not count any more.
    var held: Int { turns.count - head }

    /// One of them does not count any more.
    mutating func withdrawOne() {
        count -= 1
        // They go when they are the greater part.
        guard turns.count > 64, count * 2 < turns.count - head else { return }
        let isAwaited = isAwaited
        turns = turns[head...].filter { $0.state == .waiting && $0.isAwaited == isAwaited }
        head = 0
    }

    mutating func popFirst() -> Turn? {
        defer { compact() }
        while head < turns.count {
            let turn = turns[head]
            head += 1
            if turn.state == .waiting, turn.isAwaited == isAwaited {
                count -= 1
                return turn
            }
        }
        return nil
    }

    /// What has been taken goes when it is the greater part.
    private mutating func compact() {
        guard head > 32, head * 2 > turns.count else { return }
        turns.removeFirst(head)
        head = 0
    }
}
