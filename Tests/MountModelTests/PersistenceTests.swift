// SPDX-License-Identifier: Apache-2.0

import MountModel
import Testing

/// Attachments that become persistent after they were made.
@Suite struct PersistenceTests {
    @Test func `an attachment that is there becomes persistent by one synced write`() {
        let course = Course.mounted("a")
        #expect(course.attach("a", persistent: true) == ["write +a synced"])
        #expect(course.state.persistent == [])
        #expect(course.tell(.committed(true)) == ["#1 already"])
        #expect(course.state.persistent == ["a"])
        #expect(course.attach("a", persistent: true) == ["#2 already"])
    }

    @Test func `an ordinary attach leaves a persistent attachment as it is`() {
        let course = Course.mounted("a")
        course.attach("a", persistent: true)
        course.tell(.committed(true))
        #expect(course.attach("a") == ["#2 already"])
        #expect(course.state.persistent == ["a"])
    }

    @Test func `one that could not become persistent stays as it was`() {
        let course = Course.mounted("a")
        course.attach("a", persistent: true)
        #expect(course.tell(.committed(false)) == ["#1 exhausted"])
        #expect(course.state.held == ["a"])
        #expect(course.state.persistent == [])
    }

    @Test func `one that became persistent while the mount was in doubt stays when its request fails`() {
        let course = Course.mounted("a")
        course.attach("a", persistent: true)
        course.tell(.hint)
        #expect(course.tell(.committed(true)) == [])
        #expect(course.tell(.operationEnded(.covered)) == ["#1 foreign", "arm"])
        #expect(course.state.held == ["a"])
    }

    @Test func `the detach of a persistent attachment is synced`() {
        let course = Course.mounted("a", "b")
        course.attach("a", persistent: true)
        course.tell(.committed(true))
        #expect(course.detach("a") == ["write -a synced"])
    }

    @Test func `who asks meanwhile for the same key is the first to be told of it`() {
        let course = Course.mounted("b")
        course.attach("a")
        course.attach("a", persistent: true)
        course.tell(.hint)
        // Both are durable or about to be, and neither is answered while the mount is in doubt.
        #expect(course.tell(.committed(true)) == [])
        course.cancel(1)
        course.attach("a")
        #expect(course.tell(.operationEnded(.ours)) == ["#3 attached", "write +a synced"])
        #expect(course.tell(.committed(true)) == ["#2 already"])
    }
}
