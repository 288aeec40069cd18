// SPDX-License-Identifier: Apache-2.0

internal import MountModel

/// Looks at the host once at a time, however many ask.
///
/// Who asks while somebody looks shares the next look with all others who wait: so each answer is newer than its
/// question, and a folder whose filesystem hangs costs one thread. Nobody waits longer than the limit.
actor SharedDiagnosis {
    private let limit: Duration
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

    init(limit: Duration = .seconds(8), look: @escaping @Sendable () async -> [Finding]) {
        self.limit = limit
        self.look = look
    }

    /// What is wrong on the host, as seen after the question; that it could not be seen, at the limit.
    func findings() async -> [Finding] {
        lastNumber += 1
        let number = lastNumber
        return await withCheckedContinuation { continuation in
            let clock = Task {
                do { try await Task.sleep(for: limit) } catch { return }
                answer(number, [unfinished])
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
