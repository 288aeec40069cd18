// SPDX-License-Identifier: Apache-2.0

internal import MountModel

/// Looks at the host once at a time, however many ask.
///
/// Who asks while somebody looks shares the next look with all others who wait: so each answer is newer than its
/// question, and a folder whose filesystem hangs costs one thread. Nobody waits longer than the limit.
actor SharedDiagnosis {
    private let limit: Duration
    private let known: @Sendable () async -> [Finding]
    private let look: @Sendable () async -> [Finding]
    private var waiting: [UInt64: Waiter] = [:]
    private var isLooking = false
    private var lastNumber: UInt64 = 0

    /// How many wait for an answer.
    var waitingCount: Int { waiting.count }

    private struct Waiter {
        let continuation: CheckedContinuation<[Finding], Never>
        let clock: Task<Void, Never>
    }

    /// - Parameters:
    ///   - limit: how long a look may take.
    ///   - known: what can be said without it.
    init(
        limit: Duration = .seconds(8), known: @escaping @Sendable () async -> [Finding] = { [] },
        look: @escaping @Sendable () async -> [Finding]
    ) {
        self.limit = limit
        self.known = known
        self.look = look
    }

    /// What is wrong on the host, as seen after the question; at the limit, what is known without a look, and that it
    /// did not end.
    func findings() async -> [Finding] {
        lastNumber += 1
        let number = lastNumber
        return await withCheckedContinuation { continuation in
            let clock = Task {
                do { try await Task.sleep(for: limit) } catch { return }
                answer(number, (await known() + [unfinished]).sortedBySeverity())
            }
            waiting[number] = Waiter(continuation: continuation, clock: clock)
            lookForThoseWhoWait()
        }
    }

    private func lookForThoseWhoWait() {
        guard !isLooking, !waiting.isEmpty else { return }
        isLooking = true
        let numbers = waiting.keys.sorted()
        Task {
            let found = await look()
            isLooking = false
            for number in numbers { answer(number, found) }
            lookForThoseWhoWait()
        }
    }

    private func answer(_ number: UInt64, _ findings: [Finding]) {
        guard let waiter = waiting.removeValue(forKey: number) else { return }
        waiter.clock.cancel()
        waiter.continuation.resume(returning: findings)
    }

    private var unfinished: Finding {
        Finding(
            "diagnosis_unfinished", .error, what: "the host could not be looked at within \(limit)",
            why: "the filesystem that holds the state folder or the mount root hangs, or the host is overloaded",
            action: "see in the kernel's log ('dmesg') which device or server does not answer")
    }
}
