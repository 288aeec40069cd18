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
    /// Those let out of their servers' lines, each with a place that is kept for it: before all who came later.
    private var letOut = TurnQueues()
    private var newcomers = TurnQueues()
    private var servers: [ExactText: Server] = [:]
    private var isOthersTurn = false

    /// What is under way for a server, and who waits until less is.
    private struct Server {
        var running = 0
        /// How many have been let out of the line and have not begun.
        var letOut = 0
        var line = TurnQueues()
        var isOthersTurn = false

        var taken: Int { running + letOut }
    }

    init(limit: Int, limitPerServer: Int = .max) {
        self.limit = limit
        self.limitPerServer = limitPerServer
    }

    /// How many the queues keep, those included that were withdrawn.
    var held: Int { newcomers.held + letOut.held }

    /// Whether the next one has to wait, whoever it is.
    var isFull: Bool { running >= limit }

    /// Whether the next one of this server has to wait for another one of it.
    func isFull(for server: ExactText?) -> Bool {
        server.flatMap { servers[$0] }.map { $0.taken >= limitPerServer } ?? false
    }

    /// Whether as many of this server's as there may be have begun.
    func isTaken(by server: ExactText) -> Bool { servers[server].map { $0.running >= limitPerServer } ?? false }

    /// How many wait.
    var waiting: Int { newcomers.count + letOut.count + servers.values.reduce(0) { $0 + $1.line.count } }

    /// Puts a turn at its queue's end.
    mutating func add(_ turn: Turn) {
        if turn.isAwaited { awaited += 1 }
        turn.place = .newcomer
        newcomers.append(turn)
    }

    /// Somebody waits for it now.
    mutating func promote(_ turn: Turn) {
        guard turn.state == .waiting, !turn.isAwaited else { return }
        // It goes to the other queue's end; its place in this one is passed over when it comes up.
        takeOut(turn)
        turn.isAwaited = true
        guard turn.place == .letOut else { return add(turn) }
        awaited += 1
        letOut.append(turn)
    }

    /// Takes it out of its queue.
    ///
    /// - Returns: whether it was still waiting.
    mutating func withdraw(_ turn: Turn) -> Bool {
        guard turn.state == .waiting else { return false }
        turn.state = .withdrawn
        if turn.isAwaited { awaited -= 1 }
        takeOut(turn)
        // The place that was kept for it is the next one's. A newcomer had none.
        if turn.place == .letOut, let server = turn.server {
            servers[server]?.letOut -= 1
            advanceLine(of: server)
        }
        return true
    }

    private mutating func takeOut(_ turn: Turn) {
        switch turn.place {
        case .newcomer: newcomers.withdrawOne(isAwaited: turn.isAwaited)
        case .letOut: letOut.withdrawOne(isAwaited: turn.isAwaited)
        case .line: if let server = turn.server { servers[server]?.line.withdrawOne(isAwaited: turn.isAwaited) }
        }
    }

    /// Whose turn it is; nil where nobody may begin.
    mutating func next() -> Turn? {
        guard running < limit else { return nil }
        while let turn = popFirst() {
            if turn.place == .newcomer, let server = turn.server, isFull(for: server) {
                turn.place = .line
                servers[server]?.line.append(turn)
                continue
            }
            begin(turn)
            return turn
        }
        return nil
    }

    private mutating func popFirst() -> Turn? {
        for isAwaited in [!isOthersTurn, isOthersTurn] {
            if let turn = letOut.popFirst(isAwaited: isAwaited) ?? newcomers.popFirst(isAwaited: isAwaited) {
                return turn
            }
        }
        return nil
    }

    private mutating func begin(_ turn: Turn) {
        isOthersTurn = turn.isAwaited
        turn.state = .running
        running += 1
        underWay[ObjectIdentifier(turn)] = turn
        guard let server = turn.server else { return }
        if turn.place == .letOut { servers[server]?.letOut -= 1 }
        servers[server, default: Server()].running += 1
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

    /// Keeps the place that is free for one who waits for the server, and lets him go before all who came later. What
    /// is awaited and the rest take turns, as in the lane.
    private mutating func advanceLine(of server: ExactText) {
        guard var line = servers[server] else { return }
        let isFirst = !line.isOthersTurn
        if let next = line.line.popFirst(isAwaited: isFirst) ?? line.line.popFirst(isAwaited: !isFirst) {
            next.place = .letOut
            letOut.append(next)
            line.letOut += 1
            line.isOthersTurn = next.isAwaited
        }
        servers[server] = line.taken == 0 && line.line.count == 0 ? nil : line
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
    fileprivate var place = Place.newcomer

    /// Where it waits.
    fileprivate enum Place { case newcomer, line, letOut }

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

/// A queue of what somebody waits for, and one of the rest.
private struct TurnQueues {
    private var awaited = TurnQueue(isAwaited: true)
    private var others = TurnQueue(isAwaited: false)

    var count: Int { awaited.count + others.count }
    var held: Int { awaited.held + others.held }

    mutating func append(_ turn: Turn) {
        if turn.isAwaited { awaited.append(turn) } else { others.append(turn) }
    }

    mutating func popFirst(isAwaited: Bool) -> Turn? { isAwaited ? awaited.popFirst() : others.popFirst() }

    mutating func withdrawOne(isAwaited: Bool) {
        if isAwaited { awaited.withdrawOne() } else { others.withdrawOne() }
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
