// SPDX-License-Identifier: Apache-2.0

internal import NIOConcurrencyHelpers

/// Since when a kernel operation has been on its thread, told by the executor that runs it: its deadline counts from
/// then on, not from when it was queued, so that slow operations do not make those behind them `stuck`.
public final class OperationProgress: Sendable {
    /// That of the operation which this task is about; nil elsewhere. An executor calls `begin` and `end` on it.
    @TaskLocal public static var current: OperationProgress?

    private let since = NIOLockedValueBox<ContinuousClock.Instant?>(nil)
    private let stuck = NIOLockedValueBox(false)

    init() {}

    /// It is on its thread now.
    public func begin() { since.withLockedValue { $0 = .now } }

    /// It has left its thread; another part of it may come.
    public func end() { since.withLockedValue { $0 = nil } }

    /// Its worker is late and cannot be killed: it has no thread, and ends when the kernel lets go of it.
    func noteStuck() { stuck.withLockedValue { $0 = true } }

    /// Whether it waits for a worker that cannot be killed.
    var isStuck: Bool { stuck.withLockedValue { $0 } }

    /// Whether it has been on its thread since before this moment.
    func isRunning(sinceBefore moment: ContinuousClock.Instant) -> Bool {
        since.withLockedValue { $0.map { $0 < moment } ?? false }
    }
}
