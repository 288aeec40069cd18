// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
internal import MountModel
internal import MountWorker
internal import NIOConcurrencyHelpers

extension LinuxExecutor {
    /// How an operation has gone on its thread.
    enum Attempt: Sendable {
        case ended(OperationOutcome)
        /// Its worker may still act, and holds the mountpoint's lock: what has come of it is known when that has ended.
        case goesOn(StuckWorker, afterwards: @Sendable () -> OperationOutcome)
    }

    /// Returns when nothing of the operation goes on any more.
    func attempt(
        on mountpoint: Mountpoint, with id: MountID?, _ body: @escaping @Sendable () -> Attempt
    ) async -> OperationOutcome {
        switch await onThread(of: .table, body) {
        case .success(.ended(let outcome)): return outcome
        case .success(.goesOn(let worker, let afterwards)):
            await waitForEnd(after: .stuck(worker))
            return await operate(on: mountpoint, with: id, afterwards)
        case .failure(let error): return OperationOutcome(id == nil ? .foreign : .covered, problem: error)
        }
    }

    func operate(
        on mountpoint: Mountpoint, with id: MountID?, _ body: @escaping @Sendable () -> OperationOutcome
    ) async -> OperationOutcome {
        await attempt(on: mountpoint, with: id) { .ended(body()) }
    }

    /// Returns when a worker that cannot be killed has ended by itself: only then is what it was about over.
    func waitForEnd(after failure: OperationFailure) async {
        guard case .stuck(let worker) = failure else { return }
        OperationProgress.current?.noteStuck()
        await worker.end.value
    }

    // MARK: - Workers that nobody waits for

    /// The worker that is stuck at this mount, if one is: it holds the mount open, and another would share its fate.
    func stuckWorker(at id: KernelMountID) -> StuckWorker? { stuck.withLockedValue { $0[id] } }

    /// Remembers the worker until it has ended.
    func noteStuck(after failure: OperationFailure, at id: KernelMountID) {
        guard case .stuck(let worker) = failure else { return }
        stuck.withLockedValue { $0[id] = worker }
        Task { [stuck] in
            await worker.end.value
            stuck.withLockedValue { if $0[id] === worker { $0[id] = nil } }
        }
    }
}
