// SPDX-License-Identifier: Apache-2.0

import MountManager
import MountModel
import Testing

@Suite struct BackoffTests {
    private let start = ContinuousClock.now

    @Test func `pauses after failures double up to the limit, and begin again after a success`() {
        var backoff = Backoff(first: .seconds(1), limit: .seconds(5))
        #expect((0..<5).map { _ in backoff.pause(after: .failure) } == [1, 2, 4, 5, 5].map(Duration.seconds))
        backoff.succeeded()
        #expect(backoff.pause(after: .failure) == .seconds(1))
    }

    @Test func `what is lost is made anew at once, and later each time it is lost again soon`() {
        var backoff = Backoff(first: .seconds(1), limit: .seconds(5))
        var now = start
        var pauses: [Duration] = []
        for _ in 0..<6 {
            backoff.succeeded(at: now)
            now += .seconds(4)
            pauses.append(backoff.pause(after: .loss, at: now))
        }
        #expect(pauses == [0, 1, 2, 4, 5, 5].map(Duration.seconds))
    }

    @Test func `what was good for as long as the longest pause is made anew at once`() {
        var backoff = Backoff(first: .seconds(1), limit: .seconds(5))
        for _ in 0..<3 { _ = backoff.pause(after: .loss, at: start) }
        backoff.succeeded(at: start)
        // A look in between that finds all well is no new beginning.
        backoff.succeeded(at: start + .seconds(3))
        #expect(backoff.pause(after: .loss, at: start + .seconds(5)) == .zero)
        #expect(backoff.pause(after: .loss, at: start + .seconds(6)) == .seconds(1))
    }
}
