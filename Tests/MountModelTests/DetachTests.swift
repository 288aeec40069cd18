// SPDX-License-Identifier: Apache-2.0

import MountModel
import Testing

@Suite struct DetachTests {
    @Test func `a last detach is answered when it is durable, then the mount is unmounted, then the row deleted`() {
        let course = Course.mounted("a")
        #expect(course.detach("a") == ["write -a"])
        #expect(course.tell(.committed(true)) == ["#1 detached", "unmount 7 rung 0"])
        #expect(course.state.phase == .unmounting)
        #expect(!course.state.isAtRest)
        #expect(course.tell(.operationEnded(.empty)) == ["write no row"])
        #expect(course.state.phase == .forgetting)
        #expect(course.tell(.committed(true)) == [])
        #expect(course.state == Course().state)
    }

    @Test func `a detach that is not the last touches nothing but the ledger`() {
        let course = Course.mounted("a", "b")
        #expect(course.detach("a") == ["write -a"])
        #expect(course.tell(.committed(true)) == ["#1 detached"])
        #expect(course.state.phase == .mounted)
    }

    @Test(arguments: ["absent", "mounted", "mounting", "stuck", "foreign"])
    func `a detach of what is not attached touches nothing`(situation: String) {
        let course = situation == "mounted" || situation == "foreign" ? Course.mounted("a") : Course()
        switch situation {
        case "mounting": course.attach("a")
        case "stuck":
            course.attach("a")
            course.tell(.operationStuck)
        case "foreign":
            course.tell(.hint)
            course.tell(.operationEnded(.foreign))
        default: break
        }
        let before = course.state
        let effects = course.detach("other")
        #expect(effects.count == 1)
        #expect(effects.first?.hasSuffix(" notAttached") == true)
        #expect(course.state == before)
    }

    @Test func `a detach cancels a waiting attach of its key and does not wait for the mount`() {
        let course = Course()
        course.attach("a")
        #expect(course.detach("a") == ["#1 cancelled", "#2 notAttached", "abort"])
    }

    @Test func `of two detaches of one key only the first finds it`() {
        let course = Course.mounted("a", "b")
        course.attach("c")
        course.detach("a")
        course.detach("a")
        #expect(course.tell(.committed(true)) == ["#1 attached", "write -a"])
        #expect(course.tell(.committed(true)) == ["#2 detached", "#3 notAttached"])
    }

    @Test func `an attach of the key that is being detached comes after it`() {
        let course = Course.mounted("a")
        course.detach("a")
        #expect(course.attach("a") == [])
        #expect(course.tell(.committed(true)) == ["#1 detached", "write +a"])
        #expect(course.tell(.committed(true)) == ["#2 attached"])
    }

    @Test func `an attach during the unmount waits and is mounted afresh`() {
        let course = Course.mounted("a")
        course.detach("a")
        course.tell(.committed(true))
        #expect(course.attach("b", "smb") == [])
        #expect(course.tell(.operationEnded(.empty)) == ["build smb"])
        #expect(course.tell(.built(8)) == ["write row smb/8"])
    }

    @Test func `a failed unmount lingers, is retried, and is taken over by the next attach`() {
        let course = Course.mounted("a")
        course.detach("a")
        course.tell(.committed(true))
        #expect(course.tell(.operationEnded(.ours)) == ["arm"])
        #expect(course.state.phase == .lingering)
        #expect(course.state.isAtRest)
        #expect(course.tell(.timer) == ["unmount 7 rung 0"])
        #expect(course.tell(.operationEnded(.ours)) == ["arm"])
        #expect(course.attach("b") == ["write +b"])
        #expect(course.tell(.committed(true)) == ["#2 attached", "disarm"])
        #expect(course.state.phase == .mounted)
    }

    @Test func `an attach that arrives during an unmount that fails takes the mount over`() {
        let course = Course.mounted("a")
        course.detach("a")
        course.tell(.committed(true))
        course.attach("b")
        #expect(course.tell(.operationEnded(.ours)) == ["write +b"])
    }

    @Test func `another source on a lingering mount has it unmounted now, and is busy if that fails`() {
        let course = Course.mounted("a")
        course.detach("a")
        course.tell(.committed(true))
        course.tell(.operationEnded(.ours))
        #expect(course.attach("b", "smb") == ["disarm", "unmount 7 rung 0"])
        #expect(course.tell(.operationEnded(.ours)) == ["#2 busy", "arm"])
        course.attach("b", "smb")
        #expect(course.tell(.operationEnded(.empty)) == ["build smb"])
    }

    @Test func `the ladder is climbed rung by rung, and not once somebody can use the mount`() {
        let course = Course.mounted("a", rungs: 3)
        course.detach("a")
        course.tell(.committed(true))
        #expect(course.tell(.unmountHung(.ours)) == ["unmount 7 rung 1"])
        course.attach("b")
        #expect(course.tell(.unmountHung(.ours)) == ["write +b"])
        course.tell(.committed(true))
        course.detach("b")
        #expect(course.tell(.committed(true)) == ["#3 detached", "unmount 7 rung 0"])
    }

    @Test func `a mount that is only in use is left to its users`() {
        let course = Course.mounted("a", rungs: 3)
        course.detach("a")
        course.tell(.committed(true))
        #expect(course.tell(.operationEnded(.ours)) == ["arm"])
    }

    @Test func `a hint between two rungs is looked after first`() {
        let course = Course.mounted("a", rungs: 2)
        course.detach("a")
        course.tell(.committed(true))
        course.tell(.hint)
        #expect(course.tell(.unmountHung(.ours)) == ["inspect 7"])
        #expect(course.tell(.operationEnded(.ours)) == ["unmount 7 rung 1"])
    }

    @Test func `what hung and has ended after all is forgotten, and with it the ladder`() {
        let course = Course.mounted("a", rungs: 2)
        course.detach("a")
        course.tell(.committed(true))
        course.tell(.hint)
        course.tell(.unmountHung(.ours))
        #expect(course.tell(.operationEnded(.empty)) == ["write no row"])
        #expect(course.state.nextRung == 0)
    }

    @Test func `the last rung of the ladder ends in a retry from the first`() {
        let course = Course.mounted("a", rungs: 2)
        course.detach("a")
        course.tell(.committed(true))
        course.tell(.unmountHung(.ours))
        #expect(course.tell(.unmountHung(.ours)) == ["arm"])
        #expect(course.tell(.timer) == ["unmount 7 rung 0"])
    }

    @Test func `a cancelled detach that waits is answered so and changes nothing`() {
        let course = Course.mounted("a", "b")
        course.attach("c")
        course.detach("a")
        #expect(course.cancel(2) == ["#2 cancelled"])
        #expect(course.tell(.committed(true)) == ["#1 attached"])
        #expect(course.state.held == ["a", "b", "c"])
    }
}
