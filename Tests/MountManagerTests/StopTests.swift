// SPDX-License-Identifier: Apache-2.0

import Ledger
import Logging
import MountModel
import MountTestSupport
import Testing

@testable import MountManager

/// A stop waits for what is under way, and no longer than its time.
@Suite(.timeLimit(.minutes(1))) struct StopTests {
    private let place = "/root/data"

    @Test func itDoesNotWaitForAFolderThatIsNeverRemoved() async throws {
        let harness = try await ManagerHarness()
        try await harness.attach("vm-1")
        harness.kernel.unmountTop(at: try Mountpoint(place))
        harness.kernel.mountForeign(at: try Mountpoint(place))
        try await harness.detach("vm-1")
        try await harness.settle()
        await harness.kernel.hold(.removeFolder)
        harness.kernel.unmountTop(at: try Mountpoint(place))
        _ = await harness.manager.list()
        await harness.kernel.waitUntilHeld(.removeFolder)
        await harness.manager.stop(within: .milliseconds(50))
        let hanging = harness.log.entries(beginningWith: "stopping does not wait any longer", at: .error)
        #expect(hanging == [["mountpoints": "", "folder": "/root/data"]])
        await harness.kernel.letGo(.removeFolder)
    }

    @Test func itSaysWhichOperationsHang() async throws {
        let harness = try await ManagerHarness()
        await harness.kernel.hold(.build)
        async let attach = harness.attachError("vm-1")
        await harness.kernel.waitUntilHeld(.build)
        await harness.manager.stop(within: .milliseconds(50))
        let hanging = harness.log.entries(beginningWith: "stopping does not wait any longer", at: .error)
        #expect(hanging == [["mountpoints": "/root/data (mounting)", "folder": ""]])
        #expect(try await attach?.code == .unavailable)
        await harness.kernel.letGo(.build)
    }

    @Test func aLookAtTheAttributesThatHangsDoesNotKeepItFromEnding() async throws {
        let kernel = SimulatedKernel()
        await kernel.hold(.drift)
        let manager = MountManager(
            configuration: ManagerConfiguration(mountRoot: try Mountpoint("/root"), boot: BootID(rawValue: "boot-1")),
            ledger: MemoryLedger(), executor: kernel, changes: OneLook(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { await manager.run() }
        await kernel.waitUntilHeld(.drift)
        running.cancel()
        await running.value
        await kernel.letGo(.drift)
    }

    @Test func aWriteThatIsUnderWayIsWaitedForWhereTheOperationWasDropped() async throws {
        let (kernel, ledger) = (SimulatedKernel(), HeldLedger())
        var limits = ManagerLimits()
        limits.operationsAtOnce = 1
        let manager = try await ManagerHarness.manager(kernel: kernel, ledger: ledger, limits: limits)
        let mountpoint = try Mountpoint(place)
        @Sendable func attach(_ consumer: String, at place: Mountpoint) async throws -> AttachResult {
            try await manager.attach(
                AttachOrder(
                    source: ManagerHarness.source(place == mountpoint ? "data" : "other"), mountpoint: place,
                    key: try ManagerHarness.key(consumer), owner: 0))
        }
        _ = try await attach("vm-1", at: mountpoint)
        // Somebody else has the only turn, so that the look at ours waits while its write is under way.
        await kernel.hold(.place)
        let other = Task { try await attach("vm-1", at: try Mountpoint("/root/other")) }
        await kernel.waitUntilHeld(.place)
        await ledger.hold()
        let second = Task { try await attach("vm-2", at: mountpoint) }
        await ledger.waitUntilHeld()
        kernel.mountForeign(at: mountpoint)
        _ = await manager.list()
        #expect(await manager.load().queuedOperations == 1)
        await manager.stopAccepting()
        #expect(await manager.isAtRest(at: mountpoint) == false)
        await ledger.letGo()
        await kernel.letGo(.place)
        await manager.stop(within: .seconds(30))
        #expect(await manager.isAtRest(at: mountpoint) == true)
        // Which is as its caller was told: he was not, and it is gone again.
        #expect(try await ledger.load().mounts[mountpoint]?.attachments.map(\.key) == [ManagerHarness.key("vm-1")])
        let error = await #expect(throws: MountError.self) { _ = try await second.value }
        #expect(error?.code == .unavailable)
        _ = await other.result
    }
}

/// Attributes may have changed, once.
private struct OneLook: MountChangeSource {
    func drain() -> MountChanges { .none }
    func watch(_ notify: @escaping @Sendable () async -> Void) async {}
    func watchAttributes(_ look: @escaping @Sendable () async -> Bool) async { _ = await look() }
}

extension MountManager {
    /// Whether a stop would not wait for the mountpoint; nil where there is none.
    fileprivate func isAtRest(at mountpoint: Mountpoint) -> Bool? { machines[mountpoint]?.isAtRest }
}
