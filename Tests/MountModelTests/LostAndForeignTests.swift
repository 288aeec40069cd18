// SPDX-License-Identifier: Apache-2.0

import MountModel
import Testing

@Suite struct LostAndForeignTests {
    private func lost() -> Course {
        let course = Course.mounted("a")
        course.tell(.hint)
        course.tell(.operationEnded(.empty))
        course.tell(.timer)
        course.tell(.built(nil))
        precondition(course.state.phase == .lost && course.state.isTimerArmed)
        return course
    }

    @Test func `a mount that is gone is made again with a new id, and its attachments stay`() {
        let course = Course.mounted("a")
        #expect(course.tell(.hint) == ["inspect 7"])
        #expect(course.tell(.operationEnded(.empty)) == ["arm after a loss"])
        #expect(course.state.phase == .lost)
        #expect(course.tell(.timer) == ["build nfs"])
        #expect(course.tell(.built(8)) == ["write row nfs/8"])
        #expect(course.tell(.committed(true)) == ["place 8"])
        #expect(course.tell(.operationEnded(.ours)) == ["close"])
        #expect(course.state.phase == .mounted)
        #expect(course.state.held == ["a"])
    }

    @Test func `who asks for a mount that has just gone does not wait for the clock`() {
        let course = Course.mounted("a")
        course.tell(.hint)
        course.attach("b")
        #expect(course.tell(.operationEnded(.empty)) == ["arm after a loss", "disarm", "build nfs"])
    }

    @Test func `an attach to a lost mount builds at once, and its failure is the waiters' only`() {
        let course = lost()
        #expect(course.attach("a") == ["disarm", "build nfs"])
        #expect(course.tell(.built(nil)) == ["#1 mountFailed", "arm"])
        #expect(course.state.held == ["a"])
    }

    @Test func `a remount that is not written or not placed is retried`() {
        let course = lost()
        course.tell(.timer)
        course.tell(.built(8))
        #expect(course.tell(.committed(false)) == ["close", "arm"])
        course.tell(.timer)
        course.tell(.built(9))
        course.tell(.committed(true))
        #expect(course.tell(.operationEnded(.empty)) == ["close", "arm"])
        #expect(course.state.held == ["a"])
    }

    @Test func `the last detach of a lost mount leads to forgetting, without waiting for the retry`() {
        let course = lost()
        #expect(course.detach("a") == ["write -a"])
        #expect(course.tell(.committed(true)) == ["disarm", "#1 detached", "write no row"])
        #expect(course.tell(.committed(true)) == [])
        #expect(course.state == Course().state)
    }

    @Test func `what is built when its last attachment leaves is closed once that is durable`() {
        let course = lost()
        course.tell(.timer)
        course.detach("a")
        #expect(course.tell(.built(8)) == [])
        #expect(course.tell(.committed(true)) == ["#1 detached", "close", "write no row"])
    }

    @Test func `something mounted over ours is foreign and looked at again by the clock`() {
        let course = Course.mounted("a")
        course.tell(.hint)
        #expect(course.tell(.operationEnded(.covered)) == ["arm"])
        #expect(course.state.phase == .foreign)
        #expect(course.tell(.timer) == ["inspect 7"])
        #expect(course.tell(.operationEnded(.ours)) == [])
        #expect(course.state.phase == .mounted)
    }

    @Test func `an attach where something foreign is gets fresh evidence first`() {
        let course = Course()
        course.tell(.hint)
        course.tell(.operationEnded(.foreign))
        #expect(course.attach("a") == ["inspect none"])
        #expect(course.tell(.operationEnded(.foreign)) == ["#1 foreign"])
        course.attach("a")
        #expect(course.tell(.operationEnded(.empty)) == ["build nfs"])
    }

    @Test func `a detach goes on where something foreign is, and the row of a mount that is gone is deleted`() {
        let course = Course.mounted("a")
        course.tell(.hint)
        #expect(course.tell(.operationEnded(.foreign)) == ["arm"])
        #expect(course.detach("a") == ["write -a"])
        #expect(course.tell(.committed(true)) == ["disarm", "#1 detached", "write no row"])
        #expect(course.tell(.committed(true)) == [])
        #expect(course.state.phase == .foreign)
    }

    @Test func `a mount that meets something foreign at its place is given up`() {
        let course = Course()
        course.attach("a")
        course.tell(.built(7))
        course.tell(.committed(true))
        #expect(course.tell(.operationEnded(.foreign)) == ["close", "#1 foreign", "write no row"])
    }

    @Test func `an unmount that finds ours covered keeps the row and waits`() {
        let course = Course.mounted("a")
        course.detach("a")
        course.tell(.committed(true))
        #expect(course.tell(.operationEnded(.covered)) == ["arm"])
        #expect(course.state.phase == .foreign)
        #expect(course.state.row != nil)
        // What was in the way has gone: the pause was for nothing else.
        #expect(course.tell(.hint) == ["inspect 7"])
        #expect(course.tell(.operationEnded(.ours)) == ["disarm", "unmount 7 rung 0"])
    }
}
