// SPDX-License-Identifier: Apache-2.0

import MountModel
import Testing

@Suite struct FailureTests {
    // MARK: The ledger

    @Test func `a row that cannot be written is everybody's failure, and the mount is closed`() {
        let course = Course()
        course.attach("a")
        course.attach("b")
        course.tell(.built(7))
        #expect(course.tell(.committed(false)) == ["close", "#1 exhausted", "#2 exhausted"])
        #expect(course.state == Course().state)
    }

    @Test func `a key that cannot be written fails its attach, and the unused mount is unmounted`() {
        let course = Course()
        course.attach("a")
        course.tell(.built(7))
        course.tell(.committed(true))
        course.tell(.operationEnded(.ours))
        #expect(course.tell(.committed(false)) == ["#1 exhausted", "unmount 7 rung 0"])
    }

    @Test func `a detach that cannot be written fails, and the attachment stays`() {
        let course = Course.mounted("a")
        course.detach("a")
        #expect(course.tell(.committed(false)) == ["#1 exhausted"])
        #expect(course.state.phase == .mounted)
        #expect(course.state.held == ["a"])
    }

    @Test func `a row that cannot be deleted is deleted at the retry, or overwritten by the next mount`() {
        let course = Course.mounted("a")
        course.detach("a")
        course.tell(.committed(true))
        course.tell(.operationEnded(.empty))
        #expect(course.tell(.committed(false)) == ["arm"])
        #expect(course.state.phase == .forgetting)
        #expect(course.state.isAtRest)
        #expect(course.tell(.timer) == ["write no row"])
        course.tell(.committed(false))
        #expect(course.attach("b", "smb") == ["disarm", "build smb"])
        #expect(course.tell(.built(8)) == ["write row smb/8"])
    }

    @Test func `a build waits for the deletion of the old row`() {
        let course = Course.mounted("a")
        course.detach("a")
        course.tell(.committed(true))
        course.tell(.operationEnded(.empty))
        #expect(course.attach("b") == [])
        #expect(course.tell(.committed(true)) == ["build nfs"])
    }

    // MARK: Stuck operations

    @Test func `attaches fail at once behind a stuck operation, and detaches go on`() {
        let course = Course.mounted("a", "b")
        course.tell(.hint)
        course.tell(.operationEnded(.empty))
        course.attach("c")
        #expect(course.tell(.operationStuck) == ["#1 stuck"])
        #expect(course.state.phase == .stuck)
        #expect(course.attach("d") == ["#2 stuck"])
        #expect(course.detach("a") == ["write -a"])
        #expect(course.tell(.committed(true)) == ["#3 detached"])
    }

    @Test func `what a stuck build makes in the end is used by attachments that are lost`() {
        let course = Course.mounted("a")
        course.tell(.hint)
        course.tell(.operationEnded(.empty))
        course.tell(.timer)
        course.tell(.operationStuck)
        #expect(course.tell(.built(8)) == ["write row nfs/8"])
    }

    @Test func `what a stuck build makes in the end is closed if nobody is left`() {
        let course = Course()
        course.attach("a")
        #expect(course.tell(.operationStuck) == ["#1 stuck", "abort"])
        #expect(course.tell(.built(7)) == ["close"])
        #expect(course.state == Course().state)
    }

    @Test func `a stuck unmount that ends well is forgotten`() {
        let course = Course.mounted("a")
        course.detach("a")
        course.tell(.committed(true))
        course.tell(.operationStuck)
        #expect(course.tell(.operationEnded(.empty)) == ["write no row"])
    }

    // MARK: Late and needless events

    @Test(arguments: [
        State.Event.timer, .committed(true), .committed(false), .operationEnded(.empty), .operationEnded(.foreign),
        .built(9),
        .built(nil), .operationStuck, .cancel(RequestID(rawValue: 99)),
    ])
    func `an event that nothing waits for changes nothing`(event: State.Event) {
        let course = Course.mounted("a")
        let before = course.state
        #expect(course.tell(event) == [])
        #expect(course.state == before)
    }

    @Test func `a hint is always followed by a look, and a hint during the look by another`() {
        let course = Course.mounted("a")
        #expect(course.tell(.hint) == ["inspect 7"])
        #expect(course.tell(.hint) == [])
        #expect(course.tell(.operationEnded(.ours)) == ["inspect 7"])
        #expect(course.tell(.operationEnded(.ours)) == [])
    }
}
