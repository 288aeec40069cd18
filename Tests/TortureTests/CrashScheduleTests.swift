// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import holdfast_torture

@Suite struct CrashScheduleTests {
    private let names = (1...20).map { "point.\($0)" } + CrashSchedule.unreachable

    @Test func eachFailpointHasItsTurnBeforeOneComesAgain() {
        var schedule = CrashSchedule(names: names, seed: 7)
        var counts: [String: Int] = [:]
        for _ in 0..<320 {
            if case .failpoint(let name) = schedule.next() { counts[name, default: 0] += 1 }
        }
        #expect(counts.count == 20)
        #expect((counts.values.max() ?? 0) - (counts.values.min() ?? 0) <= 1)
    }

    @Test func aSeedGivesTheSameEnds() {
        var first = CrashSchedule(names: names, seed: 7)
        var second = CrashSchedule(names: names, seed: 7)
        var other = CrashSchedule(names: names, seed: 8)
        let ends = (0..<60).map { _ in first.next() }
        #expect(ends == (0..<60).map { _ in second.next() })
        #expect(ends != (0..<60).map { _ in other.next() })
        #expect(ends.contains(.moment) && ends.contains(.rest))
    }

    @Test func whatNeedsASceneComesFirst() {
        var schedule = CrashSchedule(
            names: ["place.move_mount.after", "lift.move_mount.after", "commit.after"], seed: 7)
        #expect(schedule.next() == .failpoint("lift.move_mount.after"))
    }

    @Test func whatOnlyASceneReachesHasOne() {
        for name in ["lift.mkdir.after", "back.move_mount.before", "unmount.expire.after"] {
            #expect(Scene(for: name).stop != nil, "\(name)")
        }
        #expect(Scene(for: "slot.umount.before").stop == nil)
        #expect(Scene(for: "held.umount.before").isEndedBySelf)
    }
}
