// SPDX-License-Identifier: Apache-2.0

import MountModel
import Testing

@Suite struct AttachTests {
    @Test func `a first attach builds, writes the row, places, writes the key, and answers last`() {
        let course = Course()
        #expect(course.state.phase == .absent)
        #expect(course.attach("a") == ["build nfs"])
        #expect(course.state.phase == .mounting)
        #expect(course.tell(.built(7)) == ["write row nfs/7"])
        #expect(course.tell(.committed(true)) == ["place 7"])
        #expect(course.tell(.operationEnded(.ours)) == ["close", "write +a"])
        #expect(course.state.phase == .settling)
        #expect(!course.state.isAtRest)
        #expect(course.tell(.committed(true)) == ["#1 attached"])
        #expect(course.state.phase == .mounted)
        #expect(course.state.isAtRest)
    }

    @Test func `an attach of a held key is answered without an effect on the mount`() {
        let course = Course.mounted("a")
        #expect(course.attach("a") == ["#1 already"])
        #expect(course.state.isAtRest)
    }

    @Test func `an attach to a mount that exists costs one write`() {
        let course = Course.mounted("a")
        #expect(course.attach("b") == ["write +b"])
        #expect(course.tell(.committed(true)) == ["#1 attached"])
    }

    @Test func `a persistent attachment and its detach are fully synced`() {
        let course = Course.mounted("a")
        #expect(course.attach("p", persistent: true) == ["write +p synced"])
        course.tell(.committed(true))
        #expect(course.state.persistent == ["p"])
        #expect(course.detach("p") == ["write -p synced"])
        course.tell(.committed(true))
        #expect(course.state.persistent == [])
    }

    @Test func `attaches that arrive while one is mounted share its mount`() {
        let course = Course()
        course.attach("a")
        #expect(course.attach("b") == [])
        course.tell(.built(7))
        course.tell(.committed(true))
        #expect(course.tell(.operationEnded(.ours)) == ["close", "write +a +b"])
        #expect(course.tell(.committed(true)) == ["#1 attached", "#2 attached"])
    }

    @Test func `one key attached twice in one batch is attached for both`() {
        let course = Course()
        course.attach("a")
        course.attach("a")
        course.tell(.built(7))
        course.tell(.committed(true))
        #expect(course.tell(.operationEnded(.ours)) == ["close", "write +a"])
        #expect(course.tell(.committed(true)) == ["#1 attached", "#2 attached"])
        #expect(course.state.held == ["a"])
    }

    @Test func `a failed build is everybody's failure and leaves nothing`() {
        let course = Course()
        course.attach("a")
        course.attach("b")
        #expect(course.tell(.built(nil)) == ["#1 mountFailed", "#2 mountFailed"])
        #expect(course.state.phase == .absent)
        #expect(course.state == Course().state)
    }

    @Test func `a failed placement is everybody's failure, and the row is forgotten`() {
        let course = Course()
        course.attach("a")
        course.tell(.built(7))
        course.tell(.committed(true))
        #expect(course.tell(.operationEnded(.empty)) == ["close", "#1 mountFailed", "write no row"])
        #expect(course.state.phase == .forgetting)
        course.tell(.committed(true))
        #expect(course.state == Course().state)
    }

    @Test func `another source is a conflict while one is being mounted, is mounted, or is lost`() {
        let mounting = Course()
        mounting.attach("a")
        #expect(mounting.attach("b", "smb") == ["#2 conflict"])
        #expect(Course.mounted("a").attach("b", "smb") == ["#1 conflict"])
        let lost = Course.mounted("a")
        lost.tell(.hint)
        lost.tell(.operationEnded(.empty))
        #expect(lost.state.phase == .lost)
        #expect(lost.attach("b", "smb") == ["#1 conflict"])
    }

    @Test func `the first source that waits wins`() {
        let course = Course()
        course.tell(.hint)
        course.attach("a", "smb")
        course.attach("b", "nfs")
        #expect(course.tell(.operationEnded(.empty)) == ["#2 conflict", "build smb"])
    }

    @Test func `when the last waiter gives up, the build is aborted and its failure is nobody's`() {
        let course = Course()
        course.attach("a")
        course.attach("b")
        #expect(course.cancel(1) == ["#1 cancelled"])
        #expect(course.cancel(2) == ["#2 cancelled", "abort"])
        // Who comes now is owed an attempt of his own.
        #expect(course.attach("c") == [])
        #expect(course.tell(.built(nil)) == ["build nfs"])
    }

    @Test func `an aborted build that ends well is used by who came in the meantime, else closed`() {
        let course = Course()
        course.attach("a")
        course.cancel(1)
        #expect(course.tell(.built(7)) == ["close"])
        course.attach("b")
        course.cancel(2)
        course.attach("c")
        #expect(course.tell(.built(8)) == ["write row nfs/8"])
    }

    @Test func `given up after the row is written, the mount is closed and the row deleted`() {
        let course = Course()
        course.attach("a")
        course.tell(.built(7))
        #expect(course.cancel(1) == ["#1 cancelled"])
        #expect(course.tell(.committed(true)) == ["close", "write no row"])
        #expect(course.tell(.committed(true)) == [])
        #expect(course.state == Course().state)
    }

    @Test func `given up after the placement has begun, it is unmounted again`() {
        let course = Course()
        course.attach("a")
        course.tell(.built(7))
        course.tell(.committed(true))
        #expect(course.cancel(1) == ["#1 cancelled"])
        #expect(course.tell(.operationEnded(.ours)) == ["close", "unmount 7 rung 0"])
    }

    @Test func `a cancel of what is being committed is ignored`() {
        let course = Course.mounted("a")
        course.attach("b")
        #expect(course.cancel(1) == [])
        #expect(course.tell(.committed(true)) == ["#1 attached"])
    }

    @Test func `the machine's own mount event is one more inspection, before any answer`() {
        let course = Course()
        course.attach("a")
        course.tell(.built(7))
        course.tell(.committed(true))
        course.tell(.hint)
        #expect(course.tell(.operationEnded(.ours)) == ["close", "inspect 7"])
        #expect(course.tell(.operationEnded(.ours)) == ["write +a"])
    }

    @Test func `a hint during the commit of an attach puts the answer off until it is verified`() {
        let course = Course.mounted("a")
        course.attach("b")
        #expect(course.tell(.hint) == ["inspect 7"])
        #expect(course.tell(.committed(true)) == [])
        #expect(course.tell(.operationEnded(.ours)) == ["#1 attached"])
    }

    @Test func `an attach that fails after its key is durable is answered when its removal is durable too`() {
        let course = Course.mounted("a")
        course.attach("b")
        course.tell(.hint)
        course.tell(.committed(true))
        #expect(course.tell(.operationEnded(.covered)) == ["write -b", "arm"])
        #expect(course.cancel(1) == [])
        #expect(course.tell(.committed(true)) == ["#1 foreign"])
        #expect(course.state.held == ["a"])
    }

    @Test func `another attach of the same key inherits a durable key from one that gives up`() {
        let course = Course.mounted("a")
        course.attach("b")
        course.tell(.hint)
        course.attach("b")
        course.tell(.committed(true))
        #expect(course.cancel(1) == ["#1 cancelled"])
        #expect(course.tell(.operationEnded(.ours)) == ["#2 attached"])
    }

    @Test func `a key whose undoing fails is doomed, and its removal is retried`() {
        let course = Course.mounted("a")
        course.attach("b")
        course.tell(.hint)
        course.tell(.committed(true))
        course.tell(.operationEnded(.covered))
        #expect(course.tell(.committed(false)) == ["#1 foreign"])
        #expect(course.state.doomed == ["b"])
        #expect(course.tell(.timer) == ["write -b", "inspect 7"].reversed())
        #expect(course.tell(.committed(true)) == [])
        #expect(course.state.doomed == [])
        #expect(course.state.held == ["a"])
    }
}
