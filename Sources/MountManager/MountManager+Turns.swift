// SPDX-License-Identifier: Apache-2.0

internal import MountModel

// A bounded number of operations and writes at once, whoever wants them.
extension MountManager {
    /// Lets it begin when there is room in its lane, perhaps at once. Once begun, it is to be ended.
    func enter(_ turn: Turn) {
        lanes[turn.lane]?.add(turn)
        proceed(in: turn.lane)
    }

    /// Makes room for the next one.
    func end(_ turn: Turn) {
        lanes[turn.lane]?.end(turn)
        proceed(in: turn.lane)
    }

    /// Makes room for the next one, although it has not ended.
    func leave(_ turn: Turn) {
        lanes[turn.lane]?.leave(turn)
        proceed(in: turn.lane)
    }

    private func proceed(in lane: Lane.Name) {
        while let turn = lanes[lane]?.next() { turn.begin() }
    }

    /// Takes it out of its queue.
    ///
    /// - Returns: whether it had not begun.
    func withdraw(_ turn: Turn) -> Bool { lanes[turn.lane]?.withdraw(turn) ?? false }

    /// Somebody waits for this machine now: what it has queued is his.
    func promote(_ machine: Machine) {
        if let turn = machine.operation?.turn { lanes[turn.lane]?.promote(turn) }
        if let turn = machine.writing { lanes[turn.lane]?.promote(turn) }
    }

    /// Returns when it is the turn of a step of the mountpoint's write, which is to be ended.
    func turn(in lane: Lane.Name, forWriteAt mountpoint: Mountpoint) async -> Turn {
        let machine = machines[mountpoint]
        let turn = Turn(in: lane, isAwaited: machine?.isAwaited ?? false)
        machine?.writing = turn
        await begins(turn)
        return turn
    }

    /// Returns when it is its turn.
    func begins(_ turn: Turn) async {
        await withCheckedContinuation { continuation in
            turn.begin = { continuation.resume() }
            enter(turn)
        }
    }

    /// What the limits are compared with.
    var currentLoad: ManagerLoad {
        var load = counts
        load.mounts = machines.count
        for name in [Lane.Name.sources, .table] {
            guard let lane = lanes[name] else { continue }
            load.awaitedOperations += lane.awaited
            load.queuedOperations += lane.waiting
        }
        load.builds = lanes[.sources]?.running ?? 0
        load.tableOperations = lanes[.table]?.running ?? 0
        return load
    }

    /// How much the manager has taken on, to be compared with its limits.
    public func load() -> ManagerLoad {
        var load = currentLoad
        load.waitingAtMountpoint = machines.values.reduce(0) { max($0, $1.waiting.count) }
        return load
    }
}
