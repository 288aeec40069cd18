// SPDX-License-Identifier: Apache-2.0

import Ledger
import Logging
import MountManager
import MountModel
import MountTestSupport
import Testing

/// Attachments that a reboot does not end.
@Suite(.timeLimit(.minutes(2))) struct PersistenceTests {
    private let mountpoint: Mountpoint

    init() throws { mountpoint = try Mountpoint("/root/data") }

    private func lease(of consumer: String, _ manager: MountManager) async -> Lease? {
        await manager.listing(at: mountpoint)?.attachments.first { $0.key.consumer.name == consumer }?.lease
    }

    @Test func theLeaseIsKeptAndTold() async throws {
        let harness = try await ManagerHarness()
        #expect(try await harness.attach("vm-1", lease: .persistent).attachment.lease == .persistent)
        #expect(try await harness.attach("vm-2").attachment.lease == .explicit)
        #expect(await lease(of: "vm-1", harness.manager) == .persistent)
        let recorded = await harness.ledger.contents.mounts[mountpoint]?.attachments.filter(\.persistent)
        #expect(recorded?.map(\.key.consumer.name) == ["vm-1"])
    }

    @Test func anAttachWithoutItTakesNoPersistenceAway() async throws {
        let harness = try await ManagerHarness()
        try await harness.attach("vm-1", lease: .persistent)
        let again = try await harness.attach("vm-1")
        #expect(again.created == false)
        #expect(again.attachment.lease == .persistent)
        #expect(await lease(of: "vm-1", harness.manager) == .persistent)
    }

    @Test func afterARebootItIsMountedAgainAndTheOthersAreEnded() async throws {
        let harness = try await ManagerHarness()
        let before = try await harness.attach("kept", lease: .persistent)
        try await harness.attach("gone")
        let next = try await ManagerHarness(
            kernel: SimulatedKernel(firstID: 5000), ledger: harness.ledger, boot: "boot-2")
        try await next.settle()
        let listing = try #require(await next.manager.listing(at: mountpoint))
        #expect(listing.status.phase == .mounted)
        #expect(listing.status.mountID != before.mount.mountID)
        #expect(listing.attachments == [before.attachment])
        #expect(next.kernel.count(.unmount) == 0)
        #expect(try await next.detach("gone").detached == false)
        #expect(try await next.detach("kept").phase == .absent)
        #expect(await next.leftovers() == [])
    }

    @Test func anAttachmentBecomesPersistentAndItsMakerStaysItsOwner() async throws {
        let harness = try await ManagerHarness()
        try await harness.attach("vm-1")
        let result = try await harness.manager.attach(
            AttachOrder(
                source: ManagerHarness.source("data"), mountpoint: mountpoint, key: try ManagerHarness.key("vm-1"),
                owner: 7, lease: .persistent))
        #expect(result.created == false)
        #expect(result.attachment == Attachment(key: try ManagerHarness.key("vm-1"), owner: 0, persistent: true))
        #expect(await harness.ledger.contents.mounts[mountpoint]?.attachments == [result.attachment])
        #expect(await harness.manager.load().attachments == 1)
    }

    @Test func oneThatIsDetachedAndAttachedAgainIsNewAndNotPersistent() async throws {
        let ledger = HeldLedger()
        let manager = try await ManagerHarness.manager(kernel: SimulatedKernel(), ledger: ledger)
        let mountpoint = mountpoint
        func order(_ consumer: String, _ lease: Lease) throws -> AttachOrder {
            AttachOrder(
                source: ManagerHarness.source("data"), mountpoint: mountpoint, key: try ManagerHarness.key(consumer),
                owner: 0, lease: lease)
        }
        _ = try await manager.attach(try order("other", .explicit))
        _ = try await manager.attach(try order("vm-1", .persistent))
        // The attach comes while the removal is being written.
        await ledger.hold()
        let key = try ManagerHarness.key("vm-1")
        async let detach = manager.detach(key, from: mountpoint, owner: 0)
        await ledger.waitUntilHeld()
        let second = try order("vm-1", .explicit)
        async let attach = manager.attach(second)
        while await manager.load().waitingAttaches == 0 { await Task.yield() }
        await ledger.letGo()
        #expect(try await detach.detached)
        let again = try await attach
        #expect(again.created)
        #expect(again.attachment.lease == .explicit)
        #expect(await lease(of: "vm-1", manager) == .explicit)
    }

    @Test func theEndOfEachOtherOneIsSaidOnce() async throws {
        let harness = try await ManagerHarness()
        try await harness.attach("kept", lease: .persistent)
        try await harness.attach("vm-1")
        try await harness.attach("vm-2", to: ManagerHarness.source("other"), at: "/root/other")
        let log = LogRecorder()
        let manager = try await ManagerHarness.manager(
            kernel: SimulatedKernel(), ledger: harness.ledger, boot: "boot-2", log: log)
        for name in ["data", "other"] {
            await manager.waitForRest(at: try Mountpoint("/root/\(name)"), within: .seconds(60))
        }
        let ended = log.entries("an attachment has ended with the reboot: it was not persistent")
        #expect(
            Set(ended) == [
                [
                    "consumer": "vm-1", "volume": ".", "mountpoint": "/root/data", "owner": "0", "source": "tmpfs data",
                ],
                [
                    "consumer": "vm-2", "volume": ".", "mountpoint": "/root/other", "owner": "0",
                    "source": "tmpfs other",
                ],
            ])
        #expect(ended.count == 2)
    }

    @Test func aMountThatHasTheOldIDInTheNewBootIsNotTouched() async throws {
        let harness = try await ManagerHarness()
        let before = try await harness.attach("kept", lease: .persistent)
        let theirs = harness.kernel.stack(at: mountpoint)
        #expect(theirs == [before.mount.mountID])
        let next = try await ManagerHarness(kernel: harness.kernel, ledger: harness.ledger, boot: "boot-2")
        try await next.settle()
        #expect(try await next.phase() == .foreign)
        #expect(try await next.detach("kept").detached)
        try await next.settle()
        #expect(next.kernel.stack(at: mountpoint) == theirs)
        #expect(next.kernel.count(.unmount) == 0)
    }

    @Test func aSourceThatIsNotThereYetIsRetriedAndHoldsNobodyUp() async throws {
        let before = try await ManagerHarness()
        try await before.attach("vm", lease: .persistent)
        try await before.attach("vm", to: ManagerHarness.source("other"), at: "/root/other", lease: .persistent)
        let kernel = SimulatedKernel()
        let missing = MountError(.mountFailed, "there is no such file")
        // Until it is taken away again.
        kernel.failBuilds(of: ManagerHarness.source("data"), with: missing)
        let ledger = await MemoryLedger(before.ledger.contents)
        let log = LogRecorder()
        let manager = try await ManagerHarness.manager(
            kernel: kernel, ledger: ledger, retryAfter: .milliseconds(1), boot: "boot-2", log: log)
        await manager.waitForRest(at: try Mountpoint("/root/other"), within: .seconds(60))
        #expect(await manager.listing(at: try Mountpoint("/root/other"))?.status.phase == .mounted)
        // Many attempts, and still there.
        while kernel.count(.build) < 6 { await Task.yield() }
        #expect(log.entries("there is no such file", at: .warning).count == 1)
        let lost = try #require(await manager.listing(at: mountpoint))
        #expect(lost.status.phase == .lost)
        #expect(lost.attachments.map(\.lease) == [.persistent])
        kernel.failBuilds(of: ManagerHarness.source("data"), with: nil)
        while await manager.listing(at: mountpoint)?.status.phase != .mounted { await Task.yield() }
    }

    @Test func itIsAcknowledgedOnlyAfterAFullSync() async throws {
        try await TemporaryFolder.with { folder in
            let ledger = try SQLiteLedger.open(at: folder)
            let manager = try await ManagerHarness.manager(kernel: SimulatedKernel(), ledger: ledger)
            func attach(_ consumer: String, _ lease: Lease) async throws -> Int {
                let before = await ledger.counters.fullSyncs
                _ = try await manager.attach(
                    AttachOrder(
                        source: ManagerHarness.source("data"), mountpoint: mountpoint,
                        key: try ManagerHarness.key(consumer), owner: 0, lease: lease))
                return await ledger.counters.fullSyncs - before
            }
            func detach(_ consumer: String) async throws -> Int {
                let before = await ledger.counters.fullSyncs
                let result = try await manager.detach(try ManagerHarness.key(consumer), from: mountpoint, owner: 0)
                #expect(result.detached)
                return await ledger.counters.fullSyncs - before
            }
            #expect(try await attach("ordinary", .explicit) == 0)
            #expect(try await attach("kept", .persistent) == 1)
            #expect(try await attach("kept", .persistent) == 0)
            #expect(try await attach("kept", .explicit) == 0)
            #expect(try await detach("ordinary") == 0)
            #expect(try await detach("kept") == 1)
            try await ledger.close()
        }
    }
}
