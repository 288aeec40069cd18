// SPDX-License-Identifier: Apache-2.0

import MountModel
import Testing

@testable import MountManager

@Suite struct ProbeScheduleTests {
    private let start = ContinuousClock.now
    private var schedule = ProbeSchedule<String>(ProbePolicy(), limit: 4, limitPerServer: 2)

    private var known: Set<String> = []

    /// Has the schedule know these and no others. They are named `server/number`.
    private mutating func set(_ names: [String], at now: ContinuousClock.Instant, chance: Double = 0) {
        for name in known.subtracting(names) { schedule.remove(name) }
        for name in names where !known.contains(name) {
            schedule.add(name, of: ExactText(String(name.prefix { $0 != "/" })), at: now) { chance }
        }
        known = Set(names)
    }

    /// All who are asked now, in order.
    private mutating func asked(_ names: [String], at seconds: Int) -> [String] {
        set(names, at: start + .seconds(seconds))
        schedule.refresh(at: start + .seconds(seconds))
        var asked: [String] = []
        while let next = schedule.next() { asked.append(next) }
        return asked.sorted()
    }

    private mutating func end(_ name: String, at seconds: Int, silent: Bool = false, stuck: Bool = false) {
        schedule.end(name, isSilent: silent, isStuck: stuck, at: start + .seconds(seconds)) { 0.5 }
    }

    @Test mutating func eachIsAskedOnceAnInterval() {
        #expect(asked(["a/1"], at: 0) == ["a/1"])
        #expect(asked(["a/1"], at: 31) == [])
        end("a/1", at: 31)
        #expect(asked(["a/1"], at: 60) == [])
        #expect(asked(["a/1"], at: 61) == ["a/1"])
    }

    @Test mutating func theFirstQuestionIsSpreadOverTheInterval() {
        set(["a/1"], at: start, chance: 0.5)
        schedule.refresh(at: start)
        #expect(schedule.next() == nil)
        #expect(asked(["a/1"], at: 14) == [])
        #expect(asked(["a/1"], at: 15) == ["a/1"])
    }

    @Test mutating func noMoreAreAskedAtOnceThanMayBeInAllAndOfOneServer() {
        #expect(asked(["a/1", "a/2", "a/3", "b/1", "c/1", "d/1"], at: 0).count == 4)
        #expect(schedule.running.count { $0.hasPrefix("a") } <= 2)
    }

    @Test mutating func theSilentTakeHalfOfThePlacesAndOneOfEachServer() {
        let silent = ["a/1", "b/1", "c/1"]
        #expect(asked(silent, at: 0) == silent)
        for name in silent { end(name, at: 0, silent: true) }
        let all = silent + ["a/2", "w/1", "w/2"]
        let asked = asked(all, at: 40)
        #expect(asked.count { silent.contains($0) } <= 2)
        #expect(asked.contains { $0.hasPrefix("w") })
        // Of a server that is silent no second one.
        #expect(!(asked.contains("a/1") && asked.contains("a/2")))
    }

    @Test mutating func whoeverCannotBeEndedIsWaitedForAndThenTheQuestionIsAskedAgain() {
        #expect(asked(["a/1"], at: 0) == ["a/1"])
        end("a/1", at: 10, silent: true, stuck: true)
        #expect(asked(["a/1"], at: 1000) == [])
        schedule.free("a/1", at: start + .seconds(1001))
        #expect(asked(["a/1"], at: 1001) == ["a/1"])
    }

    @Test mutating func beyondTheLimitOfThoseThatCannotBeEndedNobodyIsAskedWhateverHeSaidLast() {
        schedule = ProbeSchedule(ProbePolicy(), limit: 4, stuckLimit: 2)
        #expect(asked(["a/1", "b/1"], at: 0) == ["a/1", "b/1"])
        for name in ["a/1", "b/1"] { end(name, at: 10, silent: true, stuck: true) }
        #expect(asked(["a/1", "b/1", "new/1"], at: 1000) == [])
        schedule.free("a/1", at: start + .seconds(1001))
        #expect(asked(["a/1", "b/1", "new/1"], at: 1001).contains("new/1"))
    }

    @Test mutating func noMoreAreBegunThanMayBecomeSuchThatCannotBeEnded() {
        schedule = ProbeSchedule(ProbePolicy(), limit: 4, stuckLimit: 2)
        #expect(asked(["a/1", "b/1", "c/1"], at: 0).count == 2)
    }

    @Test mutating func whatIsNotThereAnyMoreIsForgotten() {
        #expect(asked(["a/1"], at: 0) == ["a/1"])
        #expect(asked([], at: 1) == [])
        end("a/1", at: 2, silent: true)
        #expect(asked([], at: 100) == [])
        #expect(schedule.running == [])
    }

    @Test mutating func whatHasGoneIsNotAskedAlthoughItIsDue() {
        set(["a/1"], at: start)
        schedule.refresh(at: start + .seconds(1))
        schedule.remove("a/1")
        let next = schedule.next()
        #expect(next == nil)
    }

    @Test mutating func withoutAnIntervalNobodyIsAsked() {
        var policy = ProbePolicy()
        policy.interval = nil
        schedule = ProbeSchedule(policy)
        #expect(asked(["a/1"], at: 1000) == [])
    }
}
