// SPDX-License-Identifier: Apache-2.0

import Ledger
import MountManager
import MountModel
import MountTestSupport
import Testing

/// What a manager makes of the ledger and the kernel that an earlier one left (docs/state-machine.md, "Recovery").
@Suite struct RecoveryTests {
    private let mountpoint: Mountpoint

    init() throws { mountpoint = try Mountpoint("/root/data") }

    /// Leaves a kernel and a ledger behind as a killed manager would.
    private func left(consumers: [String], mounted: Bool = true) async throws -> (SimulatedKernel, MemoryLedger) {
        let harness = try await ManagerHarness()
        try await harness.attach("gone")
        for consumer in consumers { try await harness.attach(consumer) }
        var contents = await harness.ledger.contents
        contents.mounts[mountpoint]?.attachments.removeAll { $0.key.consumer.name == "gone" }
        if !mounted { harness.kernel.unmountTop(at: mountpoint) }
        return (harness.kernel, MemoryLedger(contents))
    }

    @Test func aMountThatMatchesByItsIDIsKept() async throws {
        let (kernel, ledger) = try await left(consumers: ["vm-1"])
        let before = kernel.stack(at: mountpoint)
        let harness = try await ManagerHarness(kernel: kernel, ledger: ledger)
        #expect(try await harness.attach("vm-1").created == false)
        #expect(kernel.stack(at: mountpoint) == before)
        #expect(kernel.count(.build) == 1)
    }

    @Test func aMountThatIsLostAndAttachedIsMountedAgain() async throws {
        let (kernel, ledger) = try await left(consumers: ["vm-1"], mounted: false)
        let harness = try await ManagerHarness(kernel: kernel, ledger: ledger)
        try await harness.settle()
        #expect(try await harness.phase() == .mounted)
        #expect(kernel.stack(at: mountpoint).count == 1)
    }

    @Test func aMountThatNobodyUsesIsReleased() async throws {
        let (kernel, ledger) = try await left(consumers: [])
        let harness = try await ManagerHarness(kernel: kernel, ledger: ledger)
        try await harness.settle()
        #expect(await harness.leftovers() == [])
    }

    @Test func aForeignMountIsNotTouched() async throws {
        let (kernel, ledger) = try await left(consumers: ["vm-1"], mounted: false)
        let theirs = kernel.mountForeign(at: mountpoint)
        let harness = try await ManagerHarness(kernel: kernel, ledger: ledger)
        try await harness.settle()
        #expect(try await harness.phase() == .foreign)
        #expect(kernel.stack(at: mountpoint) == [theirs])
        #expect(try await harness.detach("vm-1").detached)
        #expect(kernel.stack(at: mountpoint) == [theirs])
    }

    @Test func afterARebootAnOrdinaryAttachmentIsGone() async throws {
        let (kernel, ledger) = try await left(consumers: ["vm-1"], mounted: false)
        #expect(kernel.leftovers == ["folder /root/data"])
        let harness = try await ManagerHarness(kernel: kernel, ledger: ledger, boot: "boot-2")
        try await harness.settle()
        #expect(await harness.manager.list().isEmpty)
        #expect(await harness.leftovers() == [])
    }
}
