// SPDX-License-Identifier: Apache-2.0

import MountModel
import MountTestSupport
import Testing

@testable import MountManager

/// A plan changes nothing, and says what the attach that comes next does.
@Suite struct PlanTests {
    private static let data = ManagerHarness.source("data")
    private static let device = MountSource(
        type: FilesystemType(rawValue: "ext4"), source: "/dev/vdb", options: [])

    private func order(
        _ consumer: String, to source: MountSource = data, at path: String = "/root/data", lease: Lease = .explicit
    ) throws -> AttachOrder {
        AttachOrder(
            source: source, mountpoint: try Mountpoint(path), key: try ManagerHarness.key(consumer), owner: 0,
            lease: lease)
    }

    /// Plans, checks that nothing has changed, then attaches and compares.
    @discardableResult
    private func planThenAttach(
        _ order: AttachOrder, with harness: ManagerHarness, _ location: SourceLocation = #_sourceLocation
    ) async throws -> AttachPlan {
        let mountpoint = try Mountpoint("/root/data")
        func traces() async -> [String] {
            let counts = SimulatedKernel.Operation.allCases.map { "\($0) \(harness.kernel.count($0))" }
            let kernel = harness.kernel.stack(at: mountpoint).map(\.description)
            return counts + kernel + harness.kernel.leftovers + ["\(await harness.ledger.commits)"]
                + (await harness.manager.list()).map { "\($0)" }
        }
        // A look that is under way already is not the plan's.
        _ = await harness.manager.list()
        for listing in await harness.manager.list() { try await harness.settle(listing.status.mountpoint.description) }
        let before = await traces()
        let plan = try await harness.manager.plan(order)
        #expect(await traces() == before, sourceLocation: location)
        let builds = harness.kernel.count(.build)
        do throws(MountError) {
            let result = try await harness.manager.attach(order)
            let expected: AttachPlan.Verdict =
                !result.created ? .alreadyAttached : harness.kernel.count(.build) > builds ? .mount : .useExisting
            #expect(plan.verdict == expected, "\(plan.reason)", sourceLocation: location)
            #expect(plan.problem == nil, sourceLocation: location)
            #expect(plan.mountpoint == result.mount.mountpoint, sourceLocation: location)
        } catch {
            #expect(plan.problem?.code == error.code, "\(plan.reason)", sourceLocation: location)
            #expect(plan.verdict == (error.code == .conflict ? .conflict : .refused), sourceLocation: location)
            if error.code == .conflict || error.code == .resourceExhausted {
                #expect(plan.problem == error, sourceLocation: location)
            }
        }
        return plan
    }

    @Test func itIsMountedUsedAndThereAlready() async throws {
        let harness = try await ManagerHarness()
        let first = try await planThenAttach(try order("vm-1"), with: harness)
        #expect(first.listing == nil && first.reason == "nothing is mounted there")
        let second = try await planThenAttach(try order("vm-2"), with: harness)
        #expect(second.listing?.status.state == "mounted")
        #expect(second.listing?.attachments.map(\.key.consumer.name) == ["vm-1"])
        #expect(second.reason == "it is mounted there, with one attachment")
        try await planThenAttach(try order("vm-2"), with: harness)
        let persistent = try await planThenAttach(try order("vm-2", lease: .persistent), with: harness)
        #expect(persistent.reason.hasSuffix("and becomes persistent"))
        let named = AttachOrder(source: ManagerHarness.source("x"), key: try ManagerHarness.key("a"), owner: 0)
        #expect(try await planThenAttach(named, with: harness).verdict == .mount)
    }

    @Test func anotherSourceConflictsAndTheHolderIsNamed() async throws {
        let harness = try await ManagerHarness()
        try await harness.attach("vm-1")
        let options = ManagerHarness.source("data", options: [MountOption("ro")])
        for source in [ManagerHarness.source("other"), options] {
            let plan = try await planThenAttach(try order("vm-2", to: source), with: harness)
            #expect(plan.verdict == .conflict && plan.reason.contains("for vm-1"))
        }
        let beneath = try await planThenAttach(
            try order("vm-2", to: ManagerHarness.source("other"), at: "/root/data/inner"), with: harness)
        #expect(beneath.verdict == .conflict)
        try await harness.attach("vm-1", to: Self.device, at: "/root/a")
        let twice = try await planThenAttach(try order("vm-2", to: Self.device, at: "/root/b"), with: harness)
        #expect(twice.verdict == .conflict && twice.reason.contains("/root/a"))
    }

    @Test func whatIsNotUsedAnyMoreIsTakenOverOrUnmountedFirst() async throws {
        let harness = try await ManagerHarness()
        try await harness.attach("vm-1")
        harness.kernel.setBusy(true, at: try Mountpoint("/root/data"))
        try await harness.detach("vm-1")
        let other = try await harness.manager.plan(try order("vm-2", to: ManagerHarness.source("other")))
        #expect(other.verdict == .mount && other.reason.contains("is unmounted first"))
        let plan = try await planThenAttach(try order("vm-2"), with: harness)
        #expect(plan.reason == "it is mounted there, and nobody uses it any more")
        #expect(plan.listing?.status.state == "lingering")
    }

    @Test func whatOthersDidIsKnown() async throws {
        let harness = try await ManagerHarness()
        let mountpoint = try Mountpoint("/root/data")
        try await planThenAttach(try order("vm-1"), with: harness)
        harness.kernel.mountForeign(at: mountpoint)
        let covered = try await planThenAttach(try order("vm-2"), with: harness)
        #expect(covered.problem?.code == .foreign && covered.listing?.status.state == "foreign")
    }

    @Test func whatIsAtAPlaceOfWhichNothingIsKnownIsLookedAt() async throws {
        let harness = try await ManagerHarness()
        harness.kernel.mountForeign(at: try Mountpoint("/root/data"))
        let plan = try await planThenAttach(try order("vm-1"), with: harness)
        #expect(plan.problem?.code == .foreign && plan.listing == nil)
    }

    @Test func aLostMountIsMadeAnew() async throws {
        let harness = try await ManagerHarness()
        try await harness.attach("vm-1")
        harness.kernel.failBuilds(of: Self.data, with: MountError(.mountFailed, "it is away"))
        harness.kernel.unmountTop(at: try Mountpoint("/root/data"))
        _ = await harness.manager.list()
        try await harness.settle()
        harness.kernel.failBuilds(of: Self.data, with: nil)
        let plan = try await planThenAttach(try order("vm-2"), with: harness)
        #expect(plan.verdict == .mount && plan.reason == "its mount has gone, and is made anew")
    }

    @Test func whatIsUnderWayIsWaitedFor() async throws {
        let harness = try await ManagerHarness(operationDeadline: .zero)
        await harness.kernel.hold(.build)
        async let first = harness.attachError("vm-1")
        await harness.kernel.waitUntilHeld(.build)
        let plan = try await harness.manager.plan(try order("vm-2"))
        #expect(plan.verdict == .wait && plan.problem == nil)
        #expect(plan.reason == "tmpfs data is being mounted there: the attach shares its outcome")
        #expect(plan.listing?.status.state == "mounting")
        #expect(try await harness.manager.plan(try order("vm-2", to: Self.device)).verdict == .conflict)
        await harness.manager.noteOverdueOperations()
        _ = try await first
        let stuck = try await harness.manager.plan(try order("vm-2"))
        #expect(stuck.verdict == .refused && stuck.problem?.code == .stuck)
        await harness.kernel.letGo(.build)
        try await harness.settle()
        #expect(await harness.leftovers() == [])
    }

    @Test func aLimitRefusesIt() async throws {
        var limits = ManagerLimits()
        limits.mounts = 1
        let harness = try await ManagerHarness(limits: limits)
        try await harness.attach("vm-1")
        let other = try order("vm-1", to: ManagerHarness.source("other"), at: "/root/other")
        #expect(try await planThenAttach(other, with: harness).problem?.code == .resourceExhausted)
        #expect(try await planThenAttach(try order("vm-2"), with: harness).verdict == .useExisting)
    }

    @Test func whatIsInvalidIsThrownAsTheAttachThrowsIt() async throws {
        let harness = try await ManagerHarness()
        for order in [try order("vm-1", at: "/etc"), try order("vm-1", at: "/root")] {
            let planned = await #expect(throws: MountError.self) { try await harness.manager.plan(order) }
            let attached = await #expect(throws: MountError.self) { try await harness.manager.attach(order) }
            #expect(planned == attached && planned?.code == .invalidArgument)
        }
        await harness.manager.stop(within: .seconds(1))
        let order = try order("vm-1")
        let stopped = await #expect(throws: MountError.self) { try await harness.manager.plan(order) }
        #expect(stopped?.code == .unavailable)
    }
}
