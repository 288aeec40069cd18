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
    ///   - groups: where helper programs are; nil where they cannot be had.
    init(_ program: WorkerProgram, limit: Duration, groups: HelperGroups? = nil) {
        self.program = program
        self.limit = limit
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
    /// - Throws: why there is no answer. The worker is no more by then, and nothing that it had begun goes on.
    func call(
        _ order: WorkerOrder, with given: consuming OwnedDescriptor? = nil, interrupt: OperationInterrupt? = nil
    ) throws(OperationFailure) -> Answer {
        var descriptor = given
        while true {
            let worker = try take()
            interrupt?.begin(worker)
            let outcome = worker.call(order, with: descriptor.take(), until: .now + limit)
            let isKilled = interrupt?.end() == true
            switch consume outcome {
            case .answered(let reply, let carried):
                if isKilled {
                    finish(worker)
                } else if order.request.isLast {
                    retire(worker)
                } else {
                    keep(worker)
                }
                return Answer(reply: reply, descriptor: carried)
            case .unheard(let unsent):
                // It ended while it was idle: another one takes the order.
                finish(worker)
                if isKilled { throw .ended }
                descriptor = unsent
            case .ended:
                finish(worker)
                throw .ended
            case .late:
                finish(worker)
                throw .late(limit)
            }
        }
    }

    /// What a worker has answered.
    struct Answer: ~Copyable {
        let reply: WorkerReply
        var descriptor: OwnedDescriptor?
    }

    private func take() throws(OperationFailure) -> WorkerProcess {
        if let idle = state.withLockedValue({ $0.idle.popLast() }) { return idle }
        do throws(SystemCallError) {
            let worker = try WorkerProcess(program)
            state.withLockedValue { $0.counts.running += 1 }
            return worker
        } catch {
            throw .refused(error)
        }
    }

    private func keep(_ worker: WorkerProcess) {
        let isKept = state.withLockedValue { state in
            if !state.isClosed { state.idle.append(worker) } else { state.counts.running -= 1 }
            return !state.isClosed
        }
        if !isKept { _ = worker.kill() }
    }

    /// It ends by itself, and at once.
    private func retire(_ worker: WorkerProcess) {
        _ = worker.kill()
        state.withLockedValue { $0.counts.running -= 1 }
    }

    /// Kills it, and waits until it has ended: as long as it lives it may still act.
    private func finish(_ worker: WorkerProcess) {
        state.withLockedValue { $0.counts.killed += 1 }
        if !worker.kill() {
            state.withLockedValue { $0.counts.stuck += 1 }
            worker.waitForEnd()
            state.withLockedValue { $0.counts.stuck -= 1 }
        }
        state.withLockedValue { $0.counts.running -= 1 }
    }
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
