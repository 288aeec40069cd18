// SPDX-License-Identifier: Apache-2.0

import Ledger
import MountManager
import MountModel
import MountTestSupport
import Testing

/// What a manager takes on at one time: at each limit, and one beyond it.
@Suite(.timeLimit(.minutes(2))) struct LimitsTests {
    private let hour = Duration.seconds(3600)

    private func harness(_ change: (inout ManagerLimits) -> Void) async throws -> ManagerHarness {
        var limits = ManagerLimits()
        change(&limits)
        return try await ManagerHarness(limits: limits)
    }

    /// Attaches to a mountpoint of the source's name.
    @discardableResult
    private func attach(
        _ harness: ManagerHarness, _ name: String, _ consumer: String = "vm", lease: Lease = .explicit
    ) async throws -> AttachResult {
        try await harness.attach(
            consumer, to: ManagerHarness.source(name), at: "/root/\(name)", lease: lease, timeout: hour)
    }

    private func refusal(
        _ harness: ManagerHarness, _ name: String, _ consumer: String = "vm"
    ) async throws -> MountError? {
        try await harness.attachError(
            consumer, to: ManagerHarness.source(name), at: "/root/\(name)", timeout: hour)
    }

    /// It says how many there are and which setting it is.
    private func check(_ error: MountError?, _ words: String, _ setting: String) {
        #expect(error?.code == .resourceExhausted)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "nothing")")
        #expect(error?.hint?.contains("'\(setting)'") == true, "\(error?.hint ?? "nothing")")
    }

    private func waitForRequests(_ count: Int, _ harness: ManagerHarness) async {
        while await harness.manager.load().waitingAttaches < count { await Task.yield() }
    }

    @Test func oneMountMoreThanTheLimitIsRefusedAndNothingIsChanged() async throws {
        let harness = try await harness { $0.mounts = 2 }
        try await attach(harness, "a")
        try await attach(harness, "b")
        check(try await refusal(harness, "c"), "2 mounts", "mounts")
        #expect(harness.kernel.count(.build) == 2)
        #expect(await harness.manager.load().mounts == 2)
        // What is there may be used, and makes room when it goes.
        try await attach(harness, "a", "vm-2")
        try await harness.detach("vm", from: "/root/b")
        try await attach(harness, "c")
    }

    @Test func oneAttachmentMoreThanTheLimitIsRefused() async throws {
        let harness = try await harness { $0.attachments = 2 }
        try await attach(harness, "a", "vm-1")
        try await attach(harness, "a", "vm-2")
        check(try await refusal(harness, "a", "vm-3"), "2 attachments", "attachments")
        #expect(try await attach(harness, "a", "vm-1").created == false)
        #expect(await harness.ledger.contents.mounts.first?.value.attachments.count == 2)
        try await harness.detach("vm-1", from: "/root/a")
        try await attach(harness, "a", "vm-3")
        #expect(await harness.manager.load().attachments == 2)
    }

    @Test func attachmentsThatAreOnTheirWayCount() async throws {
        let harness = try await harness { $0.attachments = 2 }
        await harness.kernel.hold(.build)
        async let first = attach(harness, "a")
        async let second = attach(harness, "b")
        await waitForRequests(2, harness)
        check(try await refusal(harness, "c"), "0 attachments, and 2 attaches under way,", "attachments")
        await harness.kernel.letGo(.build)
        _ = try await (first, second)
    }

    @Test func anAttachOfWhatIsAttachedAddsNoneWhileItWaits() async throws {
        let harness = try await harness { $0.attachments = 3 }
        try await attach(harness, "a", "vm-1")
        await harness.kernel.hold(.build)
        async let waiting = attach(harness, "b")
        // The mount is gone: whoever attaches to it waits until it is there again.
        harness.kernel.unmountTop(at: try Mountpoint("/root/a"))
        async let again = attach(harness, "a", "vm-1")
        await waitForRequests(2, harness)
        async let third = attach(harness, "a", "vm-2")
        await waitForRequests(3, harness)
        check(try await refusal(harness, "a", "vm-3"), "1 attachments, and 2 attaches under way,", "attachments")
        await harness.kernel.letGo(.build)
        _ = try await (waiting, again, third)
        #expect(await harness.manager.load().attachments == 3)
    }

    @Test func attachmentsThatAStartFindsCount() async throws {
        let before = try await ManagerHarness()
        try await before.attach("vm-1")
        var limits = ManagerLimits()
        limits.attachments = 1
        let after = try await ManagerHarness(kernel: before.kernel, ledger: before.ledger, limits: limits)
        #expect(try await after.attachError("vm-2")?.code == .resourceExhausted)
        try await after.detach("vm-1")
        #expect(await after.manager.load().attachments == 0)
        try await after.attach("vm-2")
    }

    @Test func oneWaitingRequestMoreThanTheLimitIsRefusedAndADetachIsNot() async throws {
        let harness = try await harness { $0.waiting = 2 }
        try await attach(harness, "there")
        await harness.kernel.hold(.build)
        async let first = attach(harness, "a")
        async let second = attach(harness, "b")
        await waitForRequests(2, harness)
        check(try await refusal(harness, "c"), "2 requests wait", "waiting_requests")
        #expect(try await harness.detach("vm", from: "/root/there").phase == .absent)
        await harness.kernel.letGo(.build)
        _ = try await (first, second)
        let load = await harness.manager.load()
        #expect(load.waitingAttaches == 0)
        #expect(load.waitingDetaches == 0)
        try await attach(harness, "c")
    }

    @Test func aDetachIsTakenWhereTheMountpointsQueueIsFullOfAttaches() async throws {
        let harness = try await harness { $0.waitingAtMountpoint = 2 }
        await harness.kernel.hold(.build)
        async let first = refusal(harness, "a", "vm-1")
        async let second = refusal(harness, "a", "vm-2")
        await waitForRequests(2, harness)
        check(try await refusal(harness, "a", "vm-3"), "2 requests", "waiting_per_mountpoint")
        // It cancels the attach that it makes pointless.
        try await harness.detach("vm-1", from: "/root/a")
        #expect(try await first?.code == .cancelled)
        await harness.kernel.letGo(.build)
        #expect(try await second == nil)
    }

    @Test func aNewMountpointIsRefusedWhereTooManyOperationsAreAwaited() async throws {
        let harness = try await harness {
            $0.awaitedOperations = 2
            $0.operationsAtOnce = 1
        }
        await harness.kernel.hold(.build)
        async let first = attach(harness, "a")
        async let second = attach(harness, "b")
        await waitForRequests(2, harness)
        // One is under way, one waits for its turn.
        #expect(await harness.manager.load().awaitedOperations == 2)
        check(try await refusal(harness, "c"), "2 mount operations", "operations")
        #expect(await harness.manager.load().mounts == 2)
        async let third = attach(harness, "a", "vm-2")
        await waitForRequests(3, harness)
        await harness.kernel.letGo(.build)
        _ = try await (first, second, third)
        try await attach(harness, "c")
        #expect(await harness.manager.load().awaitedOperations == 0)
    }

    @Test func noRequestWaitsLongerThanTheLimitWhateverItAsksFor() async throws {
        let harness = try await harness { $0.requestTime = .milliseconds(5) }
        await harness.kernel.hold(.build)
        #expect(try await refusal(harness, "a")?.code == .timedOut)
        await harness.kernel.letGo(.build)
    }

    @Test func aBuildThatHangsMakesNoneBehindItStuck() async throws {
        var limits = ManagerLimits()
        limits.operationsAtOnce = 1
        let harness = try await ManagerHarness(limits: limits, operationDeadline: .zero)
        await harness.kernel.hold(.build)
        async let first = refusal(harness, "a")
        await harness.kernel.waitUntilHeld(.build)
        async let second = refusal(harness, "b")
        await waitForRequests(2, harness)
        await harness.manager.noteOverdueOperations()
        #expect(try await first?.code == .stuck)
        #expect(try await harness.phase(of: "/root/b") == .mounting)
        await harness.kernel.letGo(.build)
        #expect(try await second == nil)
    }

    @Test func aBuildThatNobodyWaitsForAnyMoreLeavesTheQueue() async throws {
        let harness = try await harness { $0.operationsAtOnce = 1 }
        await harness.kernel.hold(.build)
        async let first = attach(harness, "a")
        await harness.kernel.waitUntilHeld(.build)
        let error = try await harness.attachError(
            "vm", to: ManagerHarness.source("b"), at: "/root/b", timeout: .milliseconds(5))
        #expect(error?.code == .timedOut)
        try await harness.settle("/root/b")
        let load = await harness.manager.load()
        #expect(load.queuedOperations == 0)
        #expect(load.mounts == 1)
        await harness.kernel.letGo(.build)
        _ = try await first
        #expect(harness.kernel.count(.build) == 1)
    }

    @Test func whereAllBuildsAreTakenItIsSaidByWhom() async throws {
        var limits = ManagerLimits()
        limits.operationsAtOnce = 1
        let harness = try await ManagerHarness(limits: limits, operationDeadline: .zero)
        await harness.kernel.hold(.build)
        async let first = refusal(harness, "a")
        await harness.kernel.waitUntilHeld(.build)
        #expect(await harness.manager.hungBuilds() == nil)
        let late = try #require(
            try await harness.attachError(
                "vm", to: ManagerHarness.source("b"), at: "/root/b", timeout: .milliseconds(5)))
        #expect(late.code == .timedOut)
        let taken = "all of the 1 builds that there may be at once are taken by others: tmpfs a at /root/a"
        #expect(late.message.contains("it was not begun within the time that was given: \(taken)"), "\(late)")
        #expect(late.hint?.contains("'threads'") == true)
        async let waiting = refusal(harness, "c")
        await waitForRequests(2, harness)
        await harness.manager.noteOverdueOperations()
        #expect(try await first?.code == .stuck)
        #expect(await harness.manager.hungBuilds()?.message == taken)
        let stuck = await harness.manager.listing(at: try Mountpoint("/root/a"))?.status.problem
        #expect(stuck?.message.contains("mounting tmpfs a at /root/a is past its deadline") == true, "\(stuck as Any)")
        let queued = await harness.manager.listing(at: try Mountpoint("/root/c"))?.status.problem
        #expect(queued?.message == taken)
        await harness.kernel.letGo(.build)
        #expect(try await waiting == nil)
        #expect(await harness.manager.hungBuilds() == nil)
    }

    @Test(arguments: [
        (SimulatedKernel.Operation.build, "build", "mounting tmpfs data at /root/data"),
        (.place, "place", "placing the mount of tmpfs data at /root/data"),
        (.unmount, "unmount", "unmounting /root/data"),
    ])
    func whatIsPastItsDeadlineIsNamed(kind: SimulatedKernel.Operation, operation: String, what: String) async throws {
        let harness = try await ManagerHarness(operationDeadline: .zero)
        if kind == .unmount { try await harness.attach("vm") }
        await harness.kernel.hold(kind)
        let request = Task {
            if kind == .unmount { try await harness.detach("vm") } else { try await harness.attach("vm") }
        }
        await harness.kernel.waitUntilHeld(kind)
        await harness.manager.noteOverdueOperations()
        let problem = await harness.manager.listing(at: try Mountpoint("/root/data"))?.status.problem
        #expect(problem?.code == .stuck)
        #expect(problem?.message.contains("\(what) is past its deadline") == true, "\(problem as Any)")
        #expect(problem?.context.operation == operation)
        await harness.kernel.letGo(kind)
        _ = await request.result
    }

    @Test func aBuildThatIsGivenUpInTheQueueIsBegunAnewForWhoComesThen() async throws {
        let harness = try await harness { $0.operationsAtOnce = 1 }
        await harness.kernel.hold(.build)
        async let first = attach(harness, "a")
        await harness.kernel.waitUntilHeld(.build)
        let withdrawn = Task { try await refusal(harness, "b", "vm-1") }
        await waitForRequests(2, harness)
        withdrawn.cancel()
        #expect(try await withdrawn.value?.code == .cancelled)
        async let second = attach(harness, "b", "vm-2")
        await waitForRequests(2, harness)
        await harness.kernel.letGo(.build)
        _ = try await (first, second)
        #expect(harness.kernel.count(.build) == 2)
    }
}
