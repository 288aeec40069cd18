// SPDX-License-Identifier: Apache-2.0

import LinuxMount
import MountModel
import MountTestSupport
import Testing

@testable import MountManager

@Suite struct DriftTests {
    private static let place = "/root/data"

    @Test func whatOthersRemountedGetsItsAttributesBack() async throws {
        let harness = try await ManagerHarness()
        try await harness.attach("vm-1")
        harness.kernel.remountTop(at: try Mountpoint(Self.place), as: "without nosuid")
        #expect(await harness.manager.lookForDrift())
        try await harness.settle()
        #expect(harness.kernel.driftOfTop(at: try Mountpoint(Self.place)) == nil)
        #expect(harness.kernel.count(.build) == 1)
        // The next look finds nothing more to do.
        #expect(await harness.manager.lookForDrift() == false)
        #expect(await harness.manager.listing(at: try Mountpoint(Self.place))?.status.problem == nil)
    }

    @Test func whatIsToBeReportedIsLeftAsItIsAndShown() async throws {
        let harness = try await ManagerHarness(reconcile: ReconcilePolicy(otherwise: .report))
        try await harness.attach("vm-1")
        harness.kernel.remountTop(at: try Mountpoint(Self.place), as: "without nosuid")
        #expect(await harness.manager.lookForDrift() == false)
        try await harness.settle()
        #expect(harness.kernel.driftOfTop(at: try Mountpoint(Self.place)) == "without nosuid")
        let problem = await harness.manager.listing(at: try Mountpoint(Self.place))?.status.problem
        #expect(problem?.code == .conflict)
        #expect(problem?.message.contains("without nosuid") == true)
    }

    @Test func whatOthersTookAwayIsMountedAgain() async throws {
        let harness = try await ManagerHarness()
        try await harness.attach("vm-1")
        harness.kernel.unmountTop(at: try Mountpoint(Self.place))
        await harness.manager.takeChanges()
        try await harness.settle()
        #expect(try await harness.phase() == .mounted)
        #expect(harness.kernel.count(.build) == 2)
    }

    @Test func whatIsToBeReportedStaysLostUntilSomebodyAsks() async throws {
        let harness = try await ManagerHarness(reconcile: ReconcilePolicy(otherwise: .report))
        try await harness.attach("vm-1")
        harness.kernel.unmountTop(at: try Mountpoint(Self.place))
        await harness.manager.takeChanges()
        try await harness.settle()
        #expect(try await harness.phase() == .lost)
        #expect(harness.kernel.count(.build) == 1)
        let problem = await harness.manager.listing(at: try Mountpoint(Self.place))?.status.problem
        #expect(problem?.message.contains("somebody has unmounted /root/data") == true)
        #expect(try await harness.attach("vm-1").created == false)
        #expect(try await harness.phase() == .mounted)
        #expect(await harness.manager.listing(at: try Mountpoint(Self.place))?.status.problem == nil)
        #expect(harness.kernel.stack(at: try Mountpoint(Self.place)).count == 1)
    }

    @Test func aMountThatCouldNotBeLookedAtYetIsWorthAnotherLook() async throws {
        let ledger = MemoryLedger()
        let first = try await ManagerHarness(ledger: ledger)
        try await first.attach("vm-1")
        await first.kernel.hold(.inspect)
        let second = try await ManagerHarness(kernel: first.kernel, ledger: ledger)
        #expect(await second.manager.lookForDrift())
        await first.kernel.letGo(.inspect)
        try await second.settle()
        #expect(await second.manager.lookForDrift() == false)
    }

    @Test func attributesAreComparedBothWays() {
        let wanted: MountAttributes = [.noSetUserID, .noDevices]
        #expect(AttributeDrift(wanted: wanted, found: wanted, inherits: false) == nil)
        #expect(
            AttributeDrift(wanted: wanted, found: [.noDevices, .readOnly], inherits: false)?.description
                == "without nosuid, with ro")
        #expect(AttributeDrift(wanted: wanted, found: [.noSetUserID, .noDevices, .noExecute], inherits: true) == nil)
        #expect(AttributeDrift(wanted: wanted, found: [.noDevices], inherits: true)?.description == "without nosuid")
    }

    @Test func theFirstRuleThatMatchesDecides() {
        let policy = ReconcilePolicy(
            rules: [
                .init(type: FilesystemType(rawValue: "ext4"), source: "/images/db*", action: .report),
                .init(source: "/images/db-2.img", action: .heal), .init(source: "data", action: .report),
            ])
        func action(_ type: String, _ source: String) -> ReconcilePolicy.Action {
            policy.action(for: MountSource(type: FilesystemType(rawValue: type), source: source, options: []))
        }
        #expect(action("ext4", "/images/db-2.img") == .report)
        #expect(action("xfs", "/images/db-2.img") == .heal)
        #expect(action("tmpfs", "data") == .report)
        #expect(action("tmpfs", "data-2") == .heal)
        #expect(action("ext4", "/images/d") == .heal)
    }
}
