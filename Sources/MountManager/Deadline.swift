// SPDX-License-Identifier: Apache-2.0

internal import NIOConcurrencyHelpers

/// Waiting for what may never end.
package enum Deadline {
    /// Waits; false if the task was cancelled before the time had passed.
    static func passes(after time: Duration) async -> Bool {
        do {
            try await Task.sleep(for: time)
            return true
        } catch {
            return false
        }
    }

    /// The operation's value, or the other one once the limit has passed, if there is one, or the caller's task is
    /// cancelled; the operation then goes on by itself, and its value is dropped.
    package static func first<Value: Sendable>(
        within limit: Duration?, otherwise late: Value, _ operation: @escaping @Sendable () async -> Value
    ) async -> Value {
        let answer = NIOLockedValueBox<CheckedContinuation<Value, Never>?>(nil)
        @Sendable func give(_ value: Value) {
            answer.withLockedValue { continuation in
                continuation?.resume(returning: value)
                continuation = nil
            }
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                answer.withLockedValue { $0 = continuation }
                if Task.isCancelled { give(late) }
                let clock = limit.map { limit in
                    Task {
                        guard await Deadline.passes(after: limit) else { return }
                        give(late)
                    }
                }
                Task {
                    let value = await operation()
                    clock?.cancel()
                    give(value)
                }
            }
        } onCancel: {
            give(late)
        }
    }
}
