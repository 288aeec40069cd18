// SPDX-License-Identifier: Apache-2.0

/// Looks that may hang: one at a time at each subject, however many ask, and a bounded number in all.
///
/// Who asks while somebody looks shares the next look with all others who wait: so each answer is newer than its
/// question, and none overtakes another. Each waits for his own time. A look that nobody waits for any more is
/// cancelled; the next one at its subject begins when it has ended.
package actor SharedLooks<Subject: Hashable & Sendable, Value: Sendable> {
    /// How many may be under way at once; the others wait for their turn.
    private let limit: Int
    private var lines: [Subject: Line] = [:]
    /// Whose look has not begun, in order of arrival.
    private var queue: [Subject] = []
    private var lastNumber: UInt64 = 0

    /// Those who wait for a look at one subject. Never leaves the actor.
    private final class Line {
        var waiting: [UInt64: Waiter] = [:]
        var current: Look?
    }

    private struct Waiter {
        let continuation: CheckedContinuation<Value?, Never>
        let look: @Sendable () async -> Value
    }

    private struct Look {
        let task: Task<Void, Never>
        let progress: OperationProgress
        /// Whom its end answers.
        var served: Set<UInt64>
    }

    /// No look is under way.
    package init(limit: Int = 1) { self.limit = limit }

    /// How many wait for an answer.
    package var waitingCount: Int { lines.values.reduce(0) { $0 + $1.waiting.count } }

    /// What is being looked at, whoever waits for it.
    package var subjects: [Subject] { lines.filter { $0.value.current != nil }.map(\.key) }

    /// What has been looked at, without an end, since before this moment.
    package func subjects(since moment: ContinuousClock.Instant) -> [Subject] {
        lines.filter { $0.value.current?.progress.isRunning(sinceBefore: moment) == true }.map(\.key)
    }

    /// What a look finds that begins from now on; nil where there is none within the limit, or the caller's task is
    /// cancelled.
    package func value(
        of subject: Subject, within limit: Duration?, _ look: @escaping @Sendable () async -> Value
    ) async -> Value? {
        lastNumber += 1
        let number = lastNumber
        let clock = limit.map { limit in
            Task {
                guard await Deadline.passes(after: limit) else { return }
                giveUp(number, subject)
            }
        }
        defer { clock?.cancel() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { add(Waiter(continuation: $0, look: look), number, subject) }
        } onCancel: {
            Task { await giveUp(number, subject) }
        }
    }

    /// The same where there is one subject only.
    package func value(
        within limit: Duration?, _ look: @escaping @Sendable () async -> Value
    ) async -> Value? where Subject == OnlySubject {
        await value(of: OnlySubject(), within: limit, look)
    }

    /// A method, because a closure that does not use the actor does not run on it.
    private func add(_ waiter: Waiter, _ number: UInt64, _ subject: Subject) {
        if let line = lines[subject] {
            line.waiting[number] = waiter
            return
        }
        let line = Line()
        line.waiting[number] = waiter
        lines[subject] = line
        queue.append(subject)
        proceed()
    }

    private func proceed() {
        while lines.count - queue.count < limit, !queue.isEmpty { begin(queue.removeFirst()) }
    }

    private func begin(_ subject: Subject) {
        guard let line = lines[subject], let look = line.waiting.values.first?.look else { return }
        let progress = OperationProgress()
        let task = Task {
            let value = await OperationProgress.$current.withValue(progress) { await look() }
            end(subject, value)
        }
        line.current = Look(task: task, progress: progress, served: Set(line.waiting.keys))
    }

    private func end(_ subject: Subject, _ value: Value) {
        guard let line = lines[subject], let look = line.current else { return }
        line.current = nil
        for number in look.served { line.waiting.removeValue(forKey: number)?.continuation.resume(returning: value) }
        if line.waiting.isEmpty { lines[subject] = nil } else { queue.append(subject) }
        proceed()
    }

    private func giveUp(_ number: UInt64, _ subject: Subject) {
        guard let line = lines[subject], let waiter = line.waiting.removeValue(forKey: number) else { return }
        waiter.continuation.resume(returning: nil)
        line.current?.served.remove(number)
        if let look = line.current {
            if look.served.isEmpty { look.task.cancel() }
        } else if line.waiting.isEmpty {
            lines[subject] = nil
            queue.removeAll { $0 == subject }
        }
    }
}

/// What is looked at, where that is always the same.
package struct OnlySubject: Hashable, Sendable {}
