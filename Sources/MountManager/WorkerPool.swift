// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
internal import MountWorker
internal import NIOConcurrencyHelpers

/// Workers, started when they are needed and kept for the next operation.
///
/// Calls block their thread until the operation has ended, for good or ill; how many may be under way at once is
/// bounded by whose threads they are.
final class WorkerPool: KernelOperations {
    private let program: WorkerProgram
    private let limit: Duration
    private let stuckLimit: Int
    let groups: HelperGroups?
    private let state = NIOLockedValueBox(State())

    private struct State {
        var idle: [WorkerProcess] = []
        var counts = WorkerCounts()
        var isClosed = false
    }

    /// Starts nothing yet.
    ///
    /// - Parameters:
    ///   - limit: how long one operation may take before its worker is killed.
    ///   - stuckLimit: how many workers that cannot be killed there may be before nothing new is begun but what may
    ///     free them.
    ///   - groups: where helper programs are; nil where they cannot be had.
    init(_ program: WorkerProgram, limit: Duration, stuckLimit: Int = 128, groups: HelperGroups? = nil) {
        self.program = program
        self.limit = limit
        self.stuckLimit = stuckLimit
        self.groups = groups
    }

    deinit { close() }

    /// How many workers there are and have been.
    var counts: WorkerCounts { state.withLockedValue { $0.counts } }

    /// Kills the workers that are idle; those that act end when they have answered.
    func close() {
        let idle = state.withLockedValue { state in
            state.isClosed = true
            state.counts.running -= state.idle.count
            defer { state.idle = [] }
            return state.idle
        }
        for worker in idle { _ = worker.kill() }
        groups?.close()
    }

    /// Has a worker carry out the order.
    ///
    /// - Parameters:
    ///   - given: goes with the order; from then on it is the worker's alone.
    ///   - interrupt: kills the worker when it is raised.
    ///   - time: how long it may take, where that is not the same for all.
    /// - Throws: why there is no answer. But for `stuck`, the worker is no more by then, and nothing that it had begun
    ///   goes on.
    func call(
        _ order: WorkerOrder, with given: consuming OwnedDescriptor? = nil, interrupt: OperationInterrupt? = nil,
        within time: Duration? = nil
    ) throws(OperationFailure) -> Answer {
        let limit = time ?? limit
        var descriptor = given
        while true {
            // Each of an operation's calls has the time to itself.
            OperationProgress.current?.begin()
            let (worker, isNew) = try take(for: order.request)
            interrupt?.begin(worker)
            let outcome = worker.call(order, with: descriptor.take(), until: .now + limit, interrupt: interrupt)
            let isKilled = interrupt?.end() == true
            switch consume outcome {
            case .answered(let reply, let carried):
                if isKilled {
                    _ = finish(worker, after: limit)
                } else if order.request.isLast {
                    // By itself, and at once, but for what it waits for.
                    _ = end(worker, after: limit)
                } else {
                    keep(worker)
                }
                return Answer(reply: reply, descriptor: carried)
            case .unheard(let unsent):
                // It ended while it was idle: another one takes the order.
                _ = finish(worker, after: limit)
                if isKilled || isNew { throw .ended }
                descriptor = unsent
            case .refused(let error):
                if isKilled { _ = finish(worker, after: limit) } else { keep(worker) }
                throw .refused(error)
            case .ended: throw finish(worker, after: limit).map(OperationFailure.stuck) ?? .ended
            case .late: throw finish(worker, after: limit).map(OperationFailure.stuck) ?? .late(limit)
            }
        }
    }

    /// What a worker has answered.
    struct Answer: ~Copyable {
        let reply: WorkerReply
        var descriptor: OwnedDescriptor?
    }

    private func take(for request: WorkerRequest) throws(OperationFailure) -> (WorkerProcess, isNew: Bool) {
        if !request.mayFreeOthers, counts.stuck >= stuckLimit { throw .tooManyStuck(stuckLimit) }
        if let idle = state.withLockedValue({ $0.idle.popLast() }) { return (idle, false) }
        do throws(SystemCallError) {
            let worker = try WorkerProcess(program)
            state.withLockedValue { $0.counts.running += 1 }
            return (worker, true)
        } catch {
            throw .refused(error)
        }
    }

    private func keep(_ worker: WorkerProcess) {
        let isKept = state.withLockedValue { state in
            if !state.isClosed { state.idle.append(worker) }
            return !state.isClosed
        }
        if !isKept { _ = end(worker, after: limit) }
    }

    /// Kills it as one that has failed, and waits for its end.
    ///
    /// - Returns: as ``end(_:after:)``.
    private func finish(_ worker: WorkerProcess, after limit: Duration) -> StuckWorker? {
        state.withLockedValue { $0.counts.killed += 1 }
        return end(worker, after: limit)
    }

    /// Kills it, and waits for its end: as long as it lives it may still act.
    ///
    /// - Returns: the worker, where the kernel does not let go of it; it is counted until it ends.
    private func end(_ worker: WorkerProcess, after limit: Duration) -> StuckWorker? {
        if worker.kill() {
            state.withLockedValue { $0.counts.running -= 1 }
            return nil
        }
        state.withLockedValue { $0.counts.stuck += 1 }
        let end = Task { [state] in
            while !worker.hasEnded, await Deadline.passes(after: Self.pauseBetweenLooks) {}
            state.withLockedValue { state in
                state.counts.stuck -= 1
                state.counts.running -= 1
            }
        }
        return StuckWorker(limit: limit, end: end)
    }

    /// How long after its end a worker that was stuck may still count as such.
    private static let pauseBetweenLooks = Duration.milliseconds(100)
}

/// How many workers there are and have been.
public struct WorkerCounts: Hashable, Sendable {
    /// Processes that live, the idle ones included.
    public var running = 0
    /// Those of them that were killed and have not ended.
    public var stuck = 0
    /// How many were killed: late, or of no further use.
    public var killed = 0
}

extension WorkerRequest {
    /// Whether it ends what others may wait for; there is at most one of these for a mount.
    fileprivate var mayFreeOthers: Bool {
        switch self {
        case .unmount, .endParked, .close, .hold: true
        case .build, .probe, .detect, .makeWritable: false
        }
    }
}
