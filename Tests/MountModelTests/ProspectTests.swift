// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MountModel

/// What is said of an attach before it comes is what becomes of it.
@Suite struct ProspectTests {
    private func prospect(_ course: Course, _ key: String = "b", _ source: Source = "nfs") -> State.Prospect {
        course.state.prospect(ofAttaching: key, to: source)
    }

    @Test func whereNothingIsItIsMounted() {
        #expect(prospect(Course()) == .mount)
        #expect(prospect(Course(), "b", "gpfs") == .use)
    }

    @Test func aMountOfTheSameSourceIsUsedAndAnAttachmentIsThereAlready() {
        let course = Course.mounted("a")
        #expect(prospect(course) == .use)
        #expect(prospect(course, "a") == .answer(.already))
        #expect(course.state.prospect(ofAttaching: "a", to: "nfs", persistent: true) == .answer(.already))
        #expect(prospect(course, "b", "other") == .answer(.conflict))
    }

    @Test func whatIsUnderWayIsWaitedForAndAnotherSourceConflicts() {
        let course = Course()
        course.attach("a")
        #expect(prospect(course) == .wait)
        #expect(prospect(course, "b", "other") == .answer(.conflict))
        course.tell(.built(7))
        #expect(prospect(course) == .wait)
        course.tell(.committed(true))
        course.tell(.operationStuck)
        #expect(prospect(course) == .answer(.stuck))
        let leaving = Course.mounted("a")
        leaving.detach("a")
        // The removal is being written: who comes now keeps the mount.
        #expect(prospect(leaving) == .use)
        leaving.tell(.committed(true))
        #expect(prospect(leaving) == .wait)
        #expect(prospect(leaving, "b", "other") == .wait)
    }

    @Test func anUnusedMountIsTakenOverOrMakesRoom() {
        let course = Course.mounted("a")
        course.detach("a")
        course.tell(.committed(true))
        course.tell(.operationEnded(.ours))
        #expect(course.state.phase == .lingering)
        #expect(prospect(course) == .use)
        #expect(prospect(course, "b", "other") == .mount)
    }

    @Test func aRecordThatIsBeingDeletedIsNotInTheWay() {
        let course = Course.mounted("a")
        course.detach("a")
        course.tell(.committed(true))
        course.tell(.operationEnded(.empty))
        #expect(course.state.write?.row == .delete)
        #expect(prospect(course) == .mount)
    }

    @Test func whatOthersMountedThereIsForeignAndALostMountIsMadeAnew() {
        let course = Course.mounted("a")
        course.tell(.hint)
        #expect(prospect(course) == .wait)
        course.tell(.operationEnded(.covered))
        #expect(prospect(course) == .answer(.foreign))
        let lost = Course(recovering: State.Row(source: "manual", id: 7), held: ["a"])
        lost.tell(.start)
        #expect(prospect(lost, "b", "manual") == .wait)
        lost.tell(.operationEnded(.empty))
        #expect(prospect(lost, "b", "manual") == .mount)
        #expect(prospect(lost, "a", "manual") == .mount)
    }

    @Test func aReadOnlyMachineSaysSo() {
        let course = Course(recovering: State.Row(source: "nfs", id: 7), held: ["a"], readOnly: true)
        course.tell(.start)
        course.tell(.operationEnded(.ours))
        #expect(prospect(course, "a") == .answer(.already))
        #expect(prospect(course) == .answer(.readOnly))
    }

    /// In each state of many random courses the request is made in earnest, on a copy, and driven to its answer with
    /// ends that agree with what was last seen.
    @Test(arguments: 1...200)
    func itIsWhatBecomesOfTheAttach(seed: UInt64) {
        var random = Generator(state: seed)
        var state = random.pick([
            State(rungs: 2),
            State(
                recovering: .init(source: "nfs", id: 3), held: ["a"], persistent: ["a"], isSameBoot: false,
                hasOrphan: false),
            State(
                recovering: .init(source: "nfs", id: 3), held: ["a"], persistent: [], isSameBoot: true,
                hasOrphan: true),
            State(
                recovering: .init(source: "gpfs", id: 3), held: ["b"], persistent: [], isSameBoot: true,
                hasOrphan: false),
        ])
        _ = state.handle(.start)
        for step in 0..<60 {
            _ = state.handle(event(for: state, number: UInt64(step), &random))
            for key in ["a", "b"] {
                for source: Source in ["nfs", "other", "gpfs"] {
                    let told = state.prospect(ofAttaching: key, to: source)
                    let (answer, hasBuilt) = outcome(of: key, source, in: state)
                    let isRight =
                        switch told {
                        case .answer(let expected) where expected.isSuccess: answer?.isSuccess == true && !hasBuilt
                        case .answer(let expected): answer == expected
                        case .mount: answer?.isSuccess == true && hasBuilt
                        case .use: answer?.isSuccess == true && (!hasBuilt || source.isExternal)
                        case .wait:
                            state.operation != nil || state.built != nil || state.write != nil || state.isPurging
                        }
                    let course = "seed \(seed), step \(step), \(key) on \(source)"
                    #expect(isRight, "\(course): \(told), then \(answer as Any)")
                }
            }
        }
    }

    private func event(for state: State, number: UInt64, _ random: inout Generator) -> State.Event {
        var events: [State.Event] = [.hint, .timer]
        for key in ["a", "b"] {
            let id = RequestID(rawValue: 1000 + number)
            for source: Source in ["nfs", "other", "gpfs"] {
                events.append(
                    .request(.attach(id, key: key, source: source, persistent: random.pick([true, false]))))
            }
            events.append(.request(.detach(id, key: key)))
        }
        events += state.queue.map { .cancel($0.id) }
        if state.write != nil { events += [.committed(true), .committed(true), .committed(true), .committed(false)] }
        switch state.operation?.kind {
        case .build:
            events += [.built(MountID(rawValue: number + 10)), .built(MountID(rawValue: number + 10)), .built(nil)]
        case .place: events += [.operationEnded(.ours), .operationEnded(.ours), .operationEnded(.empty)]
        case .unmount: events += [.operationEnded(.empty), .operationEnded(.ours), .unmountHung(.ours)]
        case .inspect(let id):
            events += [.operationEnded(.empty), .operationEnded(.foreign)]
            if id != nil { events += [.operationEnded(.ours), .operationEnded(.ours), .operationEnded(.covered)] }
        case .orphan: events += [.operationEnded(.unknown)]
        case nil: break
        }
        if state.operation != nil, random.next() % 40 == 0 { return .operationStuck }
        return random.pick(events)
    }

    /// The answer to an attach in earnest, and whether something was built for it; nil where it does not come.
    private func outcome(of key: String, _ source: Source, in state: State) -> (State.Answer?, hasBuilt: Bool) {
        let before = state
        var state = state
        var hasBuilt = false
        let id = RequestID(rawValue: 9999)
        var effects = state.handle(.request(.attach(id, key: key, source: source)))
        for number in 0..<60 {
            for effect in effects {
                if case .build = effect { hasBuilt = true }
                if case .reply(id, let answer) = effect { return (answer, hasBuilt) }
            }
            let seen: State.Seen =
                switch state.seen {
                case .foreign: .foreign
                case .empty: .empty
                // What was there is there still when its row is not.
                case .unknown where state.row == nil && before.row != nil && before.seen != .unknown: .foreign
                case .unknown: state.row?.id == nil ? .empty : .ours
                case .ours, .covered, .moved: state.row?.id == nil ? .empty : state.seen
                }
            let end: State.Event
            if state.write != nil {
                end = .committed(true)
            } else {
                switch state.operation?.kind {
                case .build: end = .built(MountID(rawValue: UInt64(5000 + number)))
                case .place: end = .operationEnded(.ours)
                case .unmount: end = .operationEnded(.empty)
                case .inspect: end = .operationEnded(seen)
                case .orphan: end = .operationEnded(.unknown)
                case nil: end = .timer
                }
            }
            effects = state.handle(end)
        }
        return (nil, hasBuilt)
    }

    /// A small generator of the test's own: a seed repeats its course.
    private struct Generator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }

        mutating func pick<Element>(_ list: [Element]) -> Element { list[Int(next() % UInt64(list.count))] }
    }
}
