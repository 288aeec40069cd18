// SPDX-License-Identifier: Apache-2.0

import Ledger
import Logging
import MountManager
import MountModel
import MountTestSupport
import SystemPackage
import Testing

@Suite("Mounts that are in no record")
struct UnrecordedMountTests {
    @Test("others' mounts are listed by their ids; ours, and those at our mountpoints, are not")
    func listed() async throws {
        let harness = try await ManagerHarness()
        let stranger = harness.kernel.mountForeign(at: try Mountpoint("/root/stranger"))
        try await harness.attach("vm-1")
        harness.kernel.mountForeign(at: try Mountpoint("/root/data"))
        let found = await harness.manager.unrecordedMounts()
        #expect(found.map(\.id) == [stranger])
        #expect(found.map(\.path.string) == ["/root/stranger"])
    }

    @Test("where the kernel does not answer, one look is under way, however many ask")
    func hanging() async throws {
        let harness = try await ManagerHarness()
        let stranger = harness.kernel.mountForeign(at: try Mountpoint("/root/stranger"))
        let before = harness.kernel.count(.list)
        await harness.kernel.hold(.list)
        for _ in 0..<2 { #expect(await harness.manager.unrecordedMounts().isEmpty) }
        #expect(harness.kernel.count(.list) == before + 1)
        await harness.kernel.letGo(.list)
        #expect(await harness.manager.unrecordedMounts().map(\.id) == [stranger])
    }

    @Test("a manager that must not change anything touches no mount, and says why to whoever asks")
    func readOnly() async throws {
        let kernel = SimulatedKernel()
        let mountpoint = try Mountpoint("/root/data")
        let old = kernel.mountForeign(at: mountpoint)
        let configuration = ManagerConfiguration(
            mountRoot: try Mountpoint("/root"), boot: BootID(rawValue: "boot-1"),
            readOnlyReason: ReadOnlyReason(.unreadable, MountError(.internal, "the ledger is damaged")))
        let manager = MountManager(
            configuration: configuration, ledger: MemoryLedger(), executor: kernel, changes: kernel,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await manager.start()
        let key = try ManagerHarness.key("vm-1")
        let order = AttachOrder(source: ManagerHarness.source("data"), mountpoint: mountpoint, key: key, owner: 0)
        let refusals = [
            await #expect(throws: MountError.self) { _ = try await manager.attach(order) },
            await #expect(throws: MountError.self) { _ = try await manager.detach(key, from: mountpoint, owner: 0) },
            #expect(throws: MountError.self) { try manager.checkIsWritable(for: "cannot detach") },
        ]
        for refusal in refusals {
            #expect(refusal?.code == .unavailable)
            #expect(refusal?.message.contains("the ledger is damaged") == true)
            #expect(refusal?.hint?.contains("holdfast doctor") == true)
        }
        #expect(await manager.unrecordedMounts().map(\.id) == [old])
        #expect(kernel.stack(at: mountpoint) == [old])
    }
}
