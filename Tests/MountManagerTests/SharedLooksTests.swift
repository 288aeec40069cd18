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
}
