// SPDX-License-Identifier: Apache-2.0

import MountModel
import Testing

@testable import MountManager

@Suite struct ProbeScheduleTests {
    private let start = ContinuousClock.now
    private var schedule = ProbeSchedule<String>(ProbePolicy(), limit: 4, limitPerServer: 2, stuckLimit: 2)

    /// Subjects are named `server/number`.
    private func subjects(_ names: [String]) -> [String: ExactText?] {
        Dictionary(uniqueKeysWithValues: names.map { ($0, ExactText(String($0.prefix { $0 != "/" }))) })
    }

    /// All who are asked now, in order.
    private mutating func asked(_ names: [String], at seconds: Int) -> [String] {
        schedule.refresh(subjects(names), at: start + .seconds(seconds)) { 0 }
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
        schedule.refresh(subjects(["a/1"]), at: start) { 0.5 }
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

    @Test mutating func whatIsNotThereAnyMoreIsForgotten() {
        #expect(asked(["a/1"], at: 0) == ["a/1"])
        #expect(asked([], at: 1) == [])
        end("a/1", at: 2, silent: true)
        #expect(asked([], at: 100) == [])
        #expect(schedule.running == [])
    }

    @Test mutating func withoutAnIntervalNobodyIsAsked() {
        var policy = ProbePolicy()
        policy.interval = nil
        schedule = ProbeSchedule(policy)
        #expect(asked(["a/1"], at: 1000) == [])
    }
}
