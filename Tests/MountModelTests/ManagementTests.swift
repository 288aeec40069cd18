// SPDX-License-Identifier: Apache-2.0

import MountModel
import Testing

/// Sources that somebody else mounts, sources that are not healed, and daemons that must not change anything.
@Suite struct ManagementTests {
    // MARK: External

    /// A mountpoint where the external source is attached to by these keys, with id 7.
    private func external(_ keys: String...) -> Course {
        let course = Course()
        for key in keys { course.attach(key, "gpfs") }
        course.tell(.built(7))
        course.tell(.committed(true))
        course.tell(.operationEnded(.ours))
        course.tell(.committed(true))
        return course
    }

    @Test func `an external mount is found, recorded and looked at, and never unmounted`() {
        let course = Course()
        #expect(course.attach("a", "gpfs") == ["build gpfs"])
        #expect(course.tell(.built(7)) == ["write row gpfs/7"])
        #expect(course.tell(.committed(true)) == ["place 7"])
        #expect(course.tell(.operationEnded(.ours)) == ["close", "write +a"])
        #expect(course.tell(.committed(true)) == ["#1 attached"])
        #expect(course.detach("a") == ["write -a"])
        #expect(course.tell(.committed(true)) == ["#2 detached", "write no row"])
        #expect(course.state.phase == .forgetting)
        // What is there is not Holdfast's any more.
        #expect(course.tell(.committed(true)) == ["inspect none"])
        #expect(course.tell(.operationEnded(.foreign)) == [])
    }

    @Test func `what is mounted there already is no obstacle to an external source, as it is to others`() {
        let course = Course()
        course.tell(.hint)
        course.tell(.operationEnded(.foreign))
        #expect(course.attach("a", "gpfs") == ["inspect none"])
        #expect(course.attach("b", "nfs") == [])
        #expect(course.tell(.operationEnded(.foreign)) == ["#2 foreign", "build gpfs"])
    }

    @Test func `an external mount that is not there fails its attaches and is not retried for nobody`() {
        let course = Course()
        course.attach("a", "gpfs")
        #expect(course.tell(.built(nil)) == ["#1 mountFailed"])
        #expect(course.state.isAtRest && !course.state.isTimerArmed)
    }

    @Test func `an external mount that was mounted anew is taken for the old one after a look`() {
        let course = external("a")
        course.tell(.hint)
        #expect(course.tell(.operationEnded(.foreign)) == ["build gpfs"])
        #expect(course.tell(.built(8)) == ["write row gpfs/8"])
    }

    @Test func `who waits with another source learns that the place is somebody else's`() {
        let course = external("a")
        course.detach("a")
        course.tell(.committed(true))
        #expect(course.attach("b", "nfs") == [])
        #expect(course.tell(.committed(true)) == ["inspect none"])
        #expect(course.tell(.operationEnded(.foreign)) == ["#3 foreign"])
    }

    // MARK: Not healed

    @Test func `a lost mount that is not healed waits for somebody to ask`() {
        let course = Course()
        course.attach("a", "manual")
        course.tell(.built(7))
        course.tell(.committed(true))
        course.tell(.operationEnded(.ours))
        course.tell(.committed(true))
        course.tell(.hint)
        #expect(course.tell(.operationEnded(.empty)) == [])
        #expect(course.state.phase == .lost)
        #expect(!course.state.isTimerArmed)
        #expect(course.attach("b", "manual") == ["build manual"])
        #expect(course.tell(.built(nil)) == ["#2 mountFailed"])
        #expect(!course.state.isTimerArmed)
    }

    @Test func `after a reboot it is mounted for its persistent attachments all the same`() {
        let course = Course(
            recovering: State.Row(source: "manual", id: 7), held: ["p"], persistent: ["p"], sameBoot: false)
        course.tell(.start)
        course.tell(.committed(true))
        #expect(course.tell(.operationEnded(.empty)) == ["build manual"])
        #expect(course.tell(.built(nil)) == ["arm"])
    }

    // MARK: Read-only

    private let bound = State.Row(source: "nfs", id: 7)

    @Test func `a daemon that must not write answers what it can see and refuses the rest`() {
        let course = Course(recovering: bound, held: ["a"], readOnly: true)
        #expect(course.tell(.start) == ["inspect 7"])
        #expect(course.attach("a") == [])
        #expect(course.attach("b") == [])
        #expect(course.tell(.operationEnded(.ours)) == ["#1 already", "#2 readOnly"])
        #expect(course.detach("a") == ["#3 readOnly"])
        #expect(course.detach("b") == ["#4 readOnly"])
        #expect(course.attach("a", persistent: true) == ["#5 readOnly"])
    }

    @Test(arguments: [State.Seen.ours, .empty, .foreign, .covered, .moved])
    func `it touches nothing, whatever is there`(seen: State.Seen) {
        for held: Set<String> in [[], ["a"]] {
            let course = Course(recovering: bound, held: held, readOnly: true)
            course.tell(.start)
            #expect(course.tell(.operationEnded(seen)) == [])
            #expect(course.tell(.hint) == ["inspect 7"])
        }
    }

    @Test func `after a reboot it compares nothing and refuses everything`() {
        let course = Course(recovering: bound, held: ["a"], sameBoot: false, readOnly: true)
        #expect(course.tell(.start) == [])
        #expect(course.attach("a") == ["#1 readOnly"])
    }
}
