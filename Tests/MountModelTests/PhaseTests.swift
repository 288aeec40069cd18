// SPDX-License-Identifier: Apache-2.0

import MountModel
import Testing

@Suite struct PhaseTests {
    @Test func `the phases have stable names`() {
        #expect(
            State.Phase.allCases.map(\.rawValue) == [
                "absent", "mounting", "mounted", "settling", "unmounting", "lingering", "forgetting", "lost", "foreign",
                "moved",
                "stuck", "recovering",
            ])
    }

    @Test func `exactly four answers are successes`() {
        #expect(State.Answer.allCases.filter(\.isSuccess) == [.attached, .already, .detached, .notAttached])
    }

    @Test func `a hint does not make a mounted mountpoint look otherwise`() {
        let course = Course.mounted("a")
        course.tell(.hint)
        #expect(course.state.phase == .mounted)
        #expect(!course.state.isAtRest)
    }

    @Test func `effects are handed over once`() {
        let course = Course()
        #expect(!course.attach("a").isEmpty)
        #expect(course.tell(.timer) == [])
    }
}
