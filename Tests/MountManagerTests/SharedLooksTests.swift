// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MountManager

@Suite(.timeLimit(.minutes(1))) struct SharedLooksTests {
    private let looks = SharedLooks<String, Int>(limit: 1)

    private func ask(_ subject: String, within limit: Duration? = nil, _ value: Int) -> Task<Int?, Never> {
        Task { await looks.value(of: subject, within: limit) { value } }
    }

    /// Ends only when it is cancelled.
    private func hang(_ subject: String, within limit: Duration? = nil) -> Task<Int?, Never> {
        Task {
            await looks.value(of: subject, within: limit) {
                _ = await Deadline.passes(after: .seconds(3600))
                return -1
            }
        }
    }

    private func wait(for count: Int) async { while await looks.waitingCount != count { await Task.yield() } }

    @Test func whoComesWhileALookHangsIsAnsweredByTheNext() async {
        let hanging = hang("a")
        await wait(for: 1)
        let next = ask("a", 2)
        await wait(for: 2)
        #expect(await looks.subjects == ["a"])
        // Nobody waits for the one that hangs any more: it is cancelled, and the next begins.
        hanging.cancel()
        #expect(await hanging.value == nil)
        #expect(await next.value == 2)
        #expect(await looks.subjects == [])
    }

    @Test func eachWaitsForHisOwnTimeAndWhoGivesUpInTheQueueIsNotLookedFor() async {
        let hanging = hang("a")
        await wait(for: 1)
        #expect(await looks.value(of: "b", within: .milliseconds(1)) { 1 } == nil)
        #expect(await looks.value(of: "a", within: .milliseconds(1)) { 1 } == nil)
        let cancelled = ask("b", 2)
        let queued = ask("c", 3)
        await wait(for: 3)
        cancelled.cancel()
        #expect(await cancelled.value == nil)
        #expect(await looks.subjects == ["a"])
        hanging.cancel()
        #expect(await queued.value == 3)
    }

    @Test func asManyAsMayAreUnderWayAndTheOthersInOrderOfArrival() async {
        let looks = SharedLooks<String, Int>(limit: 2)
        let begun = Begun()
        var tasks: [String: Task<Int?, Never>] = [:]
        for (count, subject) in ["a", "b", "c", "d", "e"].enumerated() {
            tasks[subject] = Task {
                await looks.value(of: subject, within: nil) {
                    await begun.enter(subject)
                    _ = await Deadline.passes(after: .seconds(3600))
                    await begun.leave()
                    return 0
                }
            }
            while await looks.waitingCount <= count { await Task.yield() }
        }
        while await begun.order.count < 2 { await Task.yield() }
        for (ended, expected) in [("b", "abc"), ("a", "abcd"), ("d", "abcde")] {
            #expect(await looks.subjects.count == 2)
            tasks[ended]?.cancel()
            while await begun.order.count < expected.count { await Task.yield() }
            #expect(await Set(begun.order.prefix(2)) == ["a", "b"])
            #expect(await begun.order.dropFirst(2).joined() == expected.dropFirst(2))
        }
        for task in tasks.values { task.cancel() }
        while await !looks.subjects.isEmpty { await Task.yield() }
        #expect(await begun.most == 2)
    }

    @Test func whoAsksAgainGoesBehindThoseWhoWait() async {
        let hanging = hang("a")
        await wait(for: 1)
        let begun = Begun()
        var tasks: [Task<Int?, Never>] = []
        for (count, subject) in ["b", "a", "c"].enumerated() {
            tasks.append(
                Task {
                    await looks.value(of: subject, within: nil) {
                        await begun.enter(subject)
                        return count
                    }
                })
            await wait(for: count + 2)
        }
        hanging.cancel()
        for (count, task) in tasks.enumerated() { #expect(await task.value == count) }
        // The next look at the first comes after all that were there when the one before it ended.
        #expect(await begun.order == ["b", "c", "a"])
    }
}

/// What has begun, and how much was under way at once.
private actor Begun {
    private(set) var order: [String] = []
    private(set) var most = 0
    private var current = 0

    func enter(_ subject: String) {
        order.append(subject)
        current += 1
        most = max(most, current)
    }

    func leave() { current -= 1 }
}
