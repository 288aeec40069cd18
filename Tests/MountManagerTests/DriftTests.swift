// SPDX-License-Identifier: Apache-2.0

import Filesystems
import MountModel
import MountTestSupport
import MountWorker
import SystemPackage
import Testing

@testable import LinuxMount
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

    @Test func aMountThatCannotBeLookedAtIsNotAsItWasMadeForThat() async throws {
        let harness = try await ManagerHarness(reconcile: ReconcilePolicy(otherwise: .report))
        try await harness.attach("vm-1")
        harness.kernel.remountTop(at: try Mountpoint(Self.place), as: "without nosuid")
        _ = await harness.manager.lookForDrift()
        harness.kernel.fail(.drift, with: [MountError(.unavailable, "the mount table cannot be read")])
        _ = await harness.manager.lookForDrift()
        let problem = await harness.manager.listing(at: try Mountpoint(Self.place))?.status.problem
        #expect(problem?.message.contains("without nosuid") == true)
    }

    @Test func whoLooksWhileSomebodyLooksSharesTheNextLook() async throws {
        let harness = try await ManagerHarness()
        try await harness.attach("vm-1")
        let before = harness.kernel.count(.drift)
        await harness.kernel.hold(.drift)
        async let first = harness.manager.lookForDrift()
        await harness.kernel.waitUntilHeld(.drift)
        let others = (0..<10).map { _ in Task { await harness.manager.lookForDrift() } }
        while await harness.manager.driftLooks.waitingCount < 11 { await Task.yield() }
        #expect(harness.kernel.count(.drift) == before + 1)
        await harness.kernel.letGo(.drift)
        _ = await first
        for other in others { _ = await other.value }
        #expect(harness.kernel.count(.drift) == before + 2)
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

    @Test func whatIsLostAgainAndAgainIsMountedAgainWithPauses() async throws {
        let harness = try await ManagerHarness()
        try await harness.attach("vm-1")
        for builds in [2, 2] {
            harness.kernel.unmountTop(at: try Mountpoint(Self.place))
            await harness.manager.takeChanges()
            try await harness.settle()
            #expect(harness.kernel.count(.build) == builds)
        }
        #expect(try await harness.phase() == .lost)
        // Who asks for it does not wait.
        try await harness.attach("vm-2")
        #expect(harness.kernel.count(.build) == 3)
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
        #expect(MountDrift(wanted: wanted, found: wanted, inherits: false) == nil)
        #expect(
            MountDrift(wanted: wanted, found: [.noDevices, .readOnly], inherits: false)?.description
                == "without nosuid, with ro")
        #expect(MountDrift(wanted: wanted, found: [.noSetUserID, .noDevices, .noExecute], inherits: true) == nil)
        #expect(MountDrift(wanted: wanted, found: [.noDevices], inherits: true)?.description == "without nosuid")
    }

    @Test(arguments: [
        ("ext4", "/disk.img", ["ro"], true, [] as [String]), ("squashfs", "/tree.img", [], true, []),
        ("overlay", "layers", ["lowerdir=/a:/b"], true, []), ("bind", "/folder", [], true, []),
        ("ext4", "/disk.img", [], false, ["errors=remount-ro"]),
    ])
    func noFilesystemIsFaultyThatNeedNotBeWritable(
        _ type: String, _ source: String, _ options: [String], _ isReadOnly: Bool, _ found: [String]
    ) throws {
        let recipe = try Self.recipe(type, source, options)
        #expect(MountDrift(of: Self.entry(recipe, isReadOnly: isReadOnly, options: found), from: recipe) == nil)
    }

    @Test(arguments: [
        ("ext4", true, [] as [String], MountDrift.FilesystemFault.readOnly(isHealed: true)),
        ("vfat", true, [], .readOnly(isHealed: false)), ("ext4", false, ["emergency_ro"], .stopped("emergency_ro")),
        ("ext4", false, ["shutdown"], .stopped("shutdown")),
    ])
    func aFilesystemThatCannotBeWrittenIsFaulty(
        _ type: String, _ isReadOnly: Bool, _ found: [String], _ fault: MountDrift.FilesystemFault
    ) throws {
        let recipe = try Self.recipe(type, "/disk.img", [])
        let drift = MountDrift(of: Self.entry(recipe, isReadOnly: isReadOnly, options: found), from: recipe)
        #expect(drift?.fault == fault)
        #expect(drift?.isHealable == (fault == .readOnly(isHealed: true)))
    }

    private static func recipe(_ type: String, _ source: String, _ options: [String]) throws -> MountRecipe {
        let catalog = FilesystemCatalog.standard
        return try catalog.recipe(
            for: catalog.source(type: FilesystemType(rawValue: type), source: source, options: options))
    }

    private static func entry(_ recipe: MountRecipe, isReadOnly: Bool, options: [String]) -> MountEntry {
        let id = KernelMountID(rawValue: 9)
        return MountEntry(
            id: id, parentID: KernelMountID(rawValue: 1), mountinfoID: id,
            mountinfoParentID: KernelMountID(rawValue: 1), mountpoint: "/m", root: "/", isRootDeleted: false,
            filesystemType: recipe.filesystem.rawValue, source: nil, attributes: MountAttributes(recipe.attributes),
            propagation: .private, isSuperblockReadOnly: isReadOnly, superblockOptions: options.map(KernelText.init),
            device: DeviceNumber(major: 8, minor: 1))
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
