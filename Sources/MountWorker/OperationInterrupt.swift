// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Ends an operation that nobody waits for any more: its worker is killed at once. What is done on a thread goes on.
public final class OperationInterrupt: Sendable {
    private let state = Mutex(State())

    private struct State {
        var isRaised = false
        var worker: WorkerProcess?
    }

    /// Not raised, and for one operation.
    public init() {}

    /// Whether the operation is to end.
    public var isRaised: Bool { state.withLock { $0.isRaised } }

    /// Kills the worker that carries out the operation, or the one that is about to.
    public func raise() {
        state.withLock { state in
            state.isRaised = true
            state.worker?.sendKill()
        }
    }

    /// Names the worker that is given the operation now.
    package func begin(_ worker: WorkerProcess) {
        state.withLock { state in
            state.worker = worker
            if state.isRaised { worker.sendKill() }
        }
    }

    /// Forgets the worker, which may carry out another operation from here on.
    ///
    /// - Returns: whether it has been killed meanwhile.
    package func end() -> Bool {
        state.withLock { state in
            state.worker = nil
            return state.isRaised
        }
    }
}
