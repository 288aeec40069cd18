// SPDX-License-Identifier: Apache-2.0

import MountModel
import Testing

@Suite struct RecoveryTests {
    private let bound = State.Row(source: "nfs", id: 7)

    @Test func `without a row, a look is taken and nothing is there`() {
        let course = Course(recovering: nil)
        #expect(course.state.phase == .recovering)
        #expect(course.tell(.start) == ["inspect none"])
        #expect(course.tell(.operationEnded(.empty)) == [])
        #expect(course.state == Course().state)
    }

    @Test(arguments: [
        (State.Seen.ours, [], State.Phase.mounted),
        (.empty, ["build nfs"], .lost),
        (.covered, ["arm"], .foreign),
        (.moved, ["arm"], .moved),
        (.foreign, ["arm"], .foreign),
    ])
    func `with attachments, the same boot goes on from what is seen`(
        seen: State.Seen, effects: [String], phase: State.Phase
    ) {
        let course = Course(recovering: bound, held: ["a"])
        #expect(course.tell(.start) == ["inspect 7"])
        #expect(course.tell(.operationEnded(seen)) == effects)
        #expect(course.state.phase == phase)
    }

    @Test(arguments: [
        (State.Seen.ours, ["unmount 7 rung 0"], State.Phase.unmounting),
        (.empty, ["write no row"], .forgetting),
        (.foreign, ["write no row"], .foreign),
        (.covered, ["arm"], .foreign),
        (.moved, ["arm"], .moved),
    ])
    func `without attachments, the same boot cleans up`(seen: State.Seen, effects: [String], phase: State.Phase) {
        let course = Course(recovering: bound)
        course.tell(.start)
        #expect(course.tell(.operationEnded(seen)) == effects)
        #expect(course.state.phase == phase)
    }

    @Test func `who asks during recovery waits for it`() {
        let course = Course(recovering: bound, held: ["a"])
        course.tell(.start)
        #expect(course.attach("b") == [])
        #expect(course.attach("c", "smb") == ["#2 conflict"])
        #expect(course.tell(.operationEnded(.ours)) == ["write +b"])
    }

    @Test func `an operation of the dead daemon is waited for, then a look is taken`() {
        let course = Course(recovering: bound, held: ["a"], orphan: true)
        #expect(course.tell(.start) == [])
        #expect(course.state.phase == .recovering)
        #expect(course.attach("b") == [])
        #expect(course.tell(.operationStuck) == ["#1 stuck"])
        #expect(course.state.phase == .stuck)
        #expect(course.tell(.operationEnded(.unknown)) == ["inspect 7"])
        #expect(course.tell(.operationEnded(.ours)) == [])
        #expect(course.state.phase == .mounted)
    }

    @Test func `a new boot drops what is not persistent and voids the id before all else`() {
        let course = Course(recovering: bound, held: ["a", "p"], persistent: ["p"], sameBoot: false)
        #expect(course.tell(.start) == ["write purge nfs/none -a"])
        #expect(course.attach("b") == [])
        #expect(course.detach("a") == [])
        #expect(course.tell(.committed(true)) == ["a on nfs ended", "#2 notAttached", "inspect none"])
        #expect(course.state.held == ["p"])
        #expect(course.tell(.operationEnded(.empty)) == ["build nfs"])
    }

    @Test func `a new boot without persistent attachments forgets the row`() {
        let course = Course(recovering: bound, held: ["a"], sameBoot: false)
        #expect(course.tell(.start) == ["write purge all -a"])
        #expect(course.tell(.committed(true)) == ["a on nfs ended", "inspect none"])
        #expect(course.tell(.operationEnded(.empty)) == [])
        #expect(course.state == Course().state)
    }

    @Test func `a purge that fails is everybody's failure and is retried`() {
        let course = Course(recovering: bound, held: ["a"], sameBoot: false)
        course.tell(.start)
        course.attach("a")
        course.detach("a")
        #expect(course.tell(.committed(false)) == ["arm", "#2 exhausted"])
        #expect(course.attach("a") == [])
        #expect(course.cancel(3) == ["#3 cancelled"])
        #expect(course.tell(.timer) == ["write purge all -a"])
    }

    @Test func `a persistent mount whose source is not there yet stays attached and is retried`() {
        let course = Course(recovering: bound, held: ["p"], persistent: ["p"], sameBoot: false)
        course.tell(.start)
        course.tell(.committed(true))
        course.tell(.operationEnded(.empty))
        #expect(course.tell(.built(nil)) == ["arm"])
        #expect(course.state.phase == .lost)
        #expect(course.state.held == ["p"])
        #expect(course.tell(.timer) == ["build nfs"])
    }
}
