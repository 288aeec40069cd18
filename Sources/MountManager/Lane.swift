// SPDX-License-Identifier: Apache-2.0

internal import MountModel

/// Lets a bounded number of things be under way at once; the others wait for their turn.
///
/// There are two queues, each in order of arrival: what somebody waits for, and what the manager does for itself, such
/// as the recovery of thousands of mounts. They take turns, so that neither holds the other up. Of what may wait for
/// one server a few are under way at once; the others wait in the server's own line, and let pass who comes behind.
struct Lane {
    /// How many may be under way at once.
    let limit: Int
    /// How many of those may be about one server.
    let limitPerServer: Int
    private(set) var running = 0
    /// How many of those that are under way or wait are awaited by somebody.
    private(set) var awaited = 0
    /// How many have given their place to others and have not ended.
    private(set) var left = 0
    /// Those that have begun and not ended.
    private(set) var underWay: [ObjectIdentifier: Turn] = [:]
    private var awaitedQueue = TurnQueue(isAwaited: true)
    private var otherQueue = TurnQueue(isAwaited: false)
    private var servers: [ExactText: Server] = [:]
    private var isOthersTurn = false

    /// What is under way for a server, and who waits until less is.
    private struct Server {
        var running = 0
        var awaited = TurnQueue(isAwaited: true)
        var others = TurnQueue(isAwaited: false)

        var waiting: Int { awaited.count + others.count }
    }

    init(limit: Int, limitPerServer: Int = .max) {
        self.limit = limit
        self.limitPerServer = limitPerServer
    }

    /// How many the queues keep, those included that were withdrawn.
    var held: Int { awaitedQueue.held + otherQueue.held }

    /// Whether the next one has to wait, whoever it is.
    var isFull: Bool { running >= limit }

    /// Whether the next one of this server has to wait for another one of it.
    func isFull(for server: ExactText?) -> Bool {
        server.flatMap { servers[$0] }.map { $0.running >= limitPerServer } ?? false
    }

    /// How many wait.
    var waiting: Int { awaitedQueue.count + otherQueue.count + servers.values.reduce(0) { $0 + $1.waiting } }

    /// Puts a turn at its queue's end.
    mutating func add(_ turn: Turn) {
        if turn.isAwaited { awaited += 1 }
        turn.isInServersLine = false
        if turn.isAwaited { awaitedQueue.append(turn) } else { otherQueue.append(turn) }
    }

    /// Somebody waits for it now.
    mutating func promote(_ turn: Turn) {
        guard turn.state == .waiting, !turn.isAwaited else { return }
        // It goes to the other queue's end; its place in this one is passed over when it comes up.
        takeOut(turn)
        turn.isAwaited = true
        add(turn)
    }

    /// Takes it out of its queue.
    ///
    /// - Returns: whether it was still waiting.
    mutating func withdraw(_ turn: Turn) -> Bool {
        guard turn.state == .waiting else { return false }
        turn.state = .withdrawn
        if turn.isAwaited { awaited -= 1 }
        takeOut(turn)
        // Perhaps it had been let out of the line for a place that is free, which the next one may have instead.
        if !turn.isInServersLine, let server = turn.server, !isFull(for: server) { advanceLine(of: server) }
        return true
    }

    private mutating func takeOut(_ turn: Turn) {
        if turn.isInServersLine, let server = turn.server {
            if turn.isAwaited {
                servers[server]?.awaited.withdrawOne()
            } else {
                servers[server]?.others.withdrawOne()
            }
        } else if turn.isAwaited {
            awaitedQueue.withdrawOne()
        } else {
            otherQueue.withdrawOne()
        }
    }

    /// Whose turn it is; nil where nobody may begin.
    mutating func next() -> Turn? {
        guard running < limit else { return nil }
        while let turn = popFirst() {
            guard isFull(for: turn.server), let server = turn.server else {
                isOthersTurn = turn.isAwaited
                turn.state = .running
                running += 1
                underWay[ObjectIdentifier(turn)] = turn
                if let server = turn.server { servers[server, default: Server()].running += 1 }
                return turn
            }
            turn.isInServersLine = true
            if turn.isAwaited { servers[server]?.awaited.append(turn) } else { servers[server]?.others.append(turn) }
        }
        return nil
    }

    private mutating func popFirst() -> Turn? {
        isOthersTurn
            ? otherQueue.popFirst() ?? awaitedQueue.popFirst() : awaitedQueue.popFirst() ?? otherQueue.popFirst()
    }

    /// Others may have its place, although it has not ended: it cannot be helped. Only so many as there may be under
    /// way at once; and its server's is not free for others.
    mutating func leave(_ turn: Turn) {
        guard turn.state == .running, left < limit else { return }
        turn.state = .left
        running -= 1
        left += 1
    }

    /// It is no longer under way.
    mutating func end(_ turn: Turn) {
        if turn.state == .left { left -= 1 } else { running -= 1 }
        if turn.isAwaited { awaited -= 1 }
        underWay[ObjectIdentifier(turn)] = nil
        guard let server = turn.server, servers[server] != nil else { return }
        servers[server]?.running -= 1
        advanceLine(of: server)
    }

    /// Lets the one who has waited longest for the server go before all who came later.
    private mutating func advanceLine(of server: ExactText) {
        if let next = servers[server]?.awaited.popFirst() {
            next.isInServersLine = false
            awaitedQueue.prepend(next)
        } else if let next = servers[server]?.others.popFirst() {
            next.isInServersLine = false
            otherQueue.prepend(next)
        }
        if let left = servers[server], left.running == 0, left.waiting == 0 { servers[server] = nil }
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
    enum State { case waiting, running, left, withdrawn }

    let lane: Lane.Name
    /// Whom it may have to wait for once it has begun; nil for nobody.
    let server: ExactText?
    /// The mountpoint that it is about; nil for what is about several.
    let mountpoint: Mountpoint?
    /// What is done when it is its turn.
    var begin: () -> Void
    fileprivate(set) var state = State.waiting
    fileprivate(set) var isAwaited: Bool
    fileprivate var isInServersLine = false

    init(
        in lane: Lane.Name, isAwaited: Bool, server: ExactText? = nil, at mountpoint: Mountpoint? = nil,
        begin: @escaping () -> Void = {}
    ) {
        self.lane = lane
        self.server = server
        self.mountpoint = mountpoint
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

    /// Puts it before all others.
    mutating func prepend(_ turn: Turn) {
        if head > 0 {
            head -= 1
            turns[head] = turn
        } else {
            turns.insert(turn, at: 0)
        }
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
