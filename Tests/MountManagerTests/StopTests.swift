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
        let hanging = harness.log.entries("stopping does not wait any longer", at: .error)
        #expect(hanging == [["mountpoints": "", "folders": "1"]])
        await harness.kernel.letGo(.removeFolder)
    }

    @Test func itSaysWhichOperationsHang() async throws {
        let harness = try await ManagerHarness()
        await harness.kernel.hold(.build)
        async let attach = harness.attachError("vm-1")
        await harness.kernel.waitUntilHeld(.build)
        await harness.manager.stop(within: .milliseconds(50))
        let hanging = harness.log.entries("stopping does not wait any longer", at: .error)
        #expect(hanging == [["mountpoints": "/root/data (mounting)", "folders": "0"]])
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
}

/// Attributes may have changed, once.
private struct OneLook: MountChangeSource {
    func drain() -> MountChanges { .none }
    func watch(_ notify: @escaping @Sendable () async -> Void) async {}
    func watchAttributes(_ look: @escaping @Sendable () async -> Bool) async { _ = await look() }
}
