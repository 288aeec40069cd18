// SPDX-License-Identifier: Apache-2.0

import Ledger
import MountManager
import MountModel
import MountTestSupport
import SystemPackage
import Testing

/// A start that finds many mounts gone: they are mounted again, a bounded number at once, and hold nobody up.
@Suite(.timeLimit(.minutes(2))) struct ManyLostTests {
    private let hour = Duration.seconds(3600)

    /// A ledger with mounts that do not exist any more.
    private func ledger(_ count: Int, boot: String = "boot-1", persistent: Bool = false) throws -> LedgerContents {
        var contents = LedgerContents()
        for number in 0..<count {
            let record = MountRecord(
                source: ManagerHarness.source("s\(number)"), boot: BootID(rawValue: boot),
                mountID: MountID(rawValue: UInt64(number + 1)))
            let attachment = Attachment(key: try ManagerHarness.key("vm"), owner: 0, persistent: persistent)
            contents.mounts[try Mountpoint("/root/s\(number)")] = LedgerContents.Entry(
                record: record, attachments: [attachment])
        }
        return contents
    }

    private func harness(
        _ kernel: SimulatedKernel, lost count: Int, atOnce: Int, boot: String = "boot-1", persistent: Bool = false
    ) async throws -> ManagerHarness {
        var limits = ManagerLimits()
        limits.operationsAtOnce = atOnce
        return try await ManagerHarness(
            kernel: kernel, ledger: MemoryLedger(try ledger(count, persistent: persistent)), limits: limits, boot: boot)
    }

    private func settle(_ harness: ManagerHarness, _ count: Int) async throws {
        for number in 0..<count { try await harness.settle("/root/s\(number)") }
    }

    @Test func noMoreBuildsThanTheLimitAreUnderWayAtOnce() async throws {
        let kernel = SimulatedKernel()
        await kernel.hold(.build)
        let harness = try await harness(kernel, lost: 20, atOnce: 3)
        await kernel.waitUntilHeld(.build, 3)
        while await harness.manager.load().queuedOperations < 17 { await Task.yield() }
        #expect(kernel.count(.build) == 3)
        #expect(await harness.manager.load().builds == 3)
        await kernel.letGo(.build)
        try await settle(harness, 20)
        #expect(await harness.manager.list().allSatisfy { $0.status.phase == .mounted })
        #expect(kernel.count(.build) == 20)
    }

    @Test func aNewAttachDoesNotWaitForAllOfThem() async throws {
        let kernel = SimulatedKernel()
        await kernel.hold(.build)
        let harness = try await harness(kernel, lost: 20, atOnce: 1)
        await kernel.waitUntilHeld(.build)
        while await harness.manager.load().queuedOperations < 19 { await Task.yield() }
        async let attach = harness.attach("vm", timeout: hour)
        while await harness.manager.load().awaitedOperations < 1 { await Task.yield() }
        await kernel.letGo(.build)
        let mine = try #require(try await attach.mount.mountID)
        try await settle(harness, 20)
        // Ids are given in the order of the builds.
        let earlier = await harness.manager.list().filter { ($0.status.mountID ?? mine).rawValue < mine.rawValue }
        #expect(earlier.count <= 2, "\(earlier.count) lost mounts were built first")
    }

    @Test func anAttachToALostMountBringsItForward() async throws {
        let kernel = SimulatedKernel()
        await kernel.hold(.build)
        let harness = try await harness(kernel, lost: 20, atOnce: 1)
        await kernel.waitUntilHeld(.build)
        while await harness.manager.load().queuedOperations < 19 { await Task.yield() }
        async let attach = harness.attach("vm-2", to: ManagerHarness.source("s9"), at: "/root/s9", timeout: hour)
        while await harness.manager.load().awaitedOperations < 1 { await Task.yield() }
        await kernel.letGo(.build)
        let mine = try #require(try await attach.mount.mountID)
        try await settle(harness, 20)
        let earlier = await harness.manager.list().filter { ($0.status.mountID ?? mine).rawValue < mine.rawValue }
        #expect(earlier.count <= 2, "\(earlier.count) lost mounts were built first")
    }

    @Test func theyDoNotCountAgainstTheLimitForRequests() async throws {
        let kernel = SimulatedKernel()
        await kernel.hold(.build)
        var limits = ManagerLimits()
        limits.operationsAtOnce = 2
        limits.awaitedOperations = 1
        let harness = try await ManagerHarness(kernel: kernel, ledger: MemoryLedger(try ledger(20)), limits: limits)
        await kernel.waitUntilHeld(.build, 2)
        async let attach = harness.attach("vm", timeout: hour)
        while await harness.manager.load().awaitedOperations < 1 { await Task.yield() }
        await kernel.letGo(.build)
        #expect(try await attach.created)
    }

    @Test func aManagerThatStopsDoesNotComeToTheRest() async throws {
        let kernel = SimulatedKernel()
        await kernel.hold(.build)
        let harness = try await harness(kernel, lost: 20, atOnce: 1)
        await kernel.waitUntilHeld(.build)
        await harness.manager.stopAccepting()
        await kernel.letGo(.build)
        await harness.manager.stop(within: hour)
        // The one that was under way is placed or left; nothing is begun that was not.
        #expect(kernel.count(.build) == 1)
        #expect(await harness.ledger.contents.mounts.count == 20)
        // The next one finds them all.
        let next = try await ManagerHarness(kernel: kernel, ledger: harness.ledger)
        try await settle(next, 20)
        #expect(await next.manager.list().allSatisfy { $0.status.phase == .mounted })
    }

    @Test func anIDOfAnotherBootIsNotMistakenForTheSameIDOfThisOne() async throws {
        let kernel = SimulatedKernel(firstID: 0)
        var contents = try ledger(2, boot: "boot-0", persistent: true)
        let (first, second) = (try Mountpoint("/root/s0"), try Mountpoint("/root/s1"))
        contents.mounts[first]?.record.mountID = MountID(rawValue: 1)
        let ledger = MemoryLedger(contents)
        // The first one's record keeps its old id until the retry; the other one is given that id meanwhile.
        await ledger.fail(with: [MountError(.resourceExhausted, "the disk is full")])
        let manager = try await ManagerHarness.manager(kernel: kernel, ledger: ledger, retryAfter: .milliseconds(50))
        await manager.waitForRest(at: second, within: .seconds(60))
        #expect(kernel.stack(at: second) == [MountID(rawValue: 1)])
        #expect(await manager.listing(at: first)?.status.phase == .recovering)
        #expect(await manager.listing(at: first)?.status.mountID == nil)
        while await manager.listing(at: first)?.status.phase != .mounted { await Task.yield() }
        kernel.unmountTop(at: second)
        _ = await manager.list()
        await manager.waitForRest(at: second, within: .seconds(60))
        #expect(await manager.listing(at: second)?.status.phase == .mounted)
        #expect(kernel.stack(at: second).count == 1)
    }

    @Test(arguments: [true, false])
    func aRebootOfMoreMountsThanTheLedgerLetsWaitIsCleanedUpAtTheFirstAttempt(persistent: Bool) async throws {
        try await TemporaryFolder.with { folder in
            let contents = try self.ledger(64, boot: "boot-0", persistent: persistent)
            let before = try SQLiteLedger.open(at: folder)
            for (mountpoint, entry) in contents.mounts {
                try await before.commit(
                    LedgerChange(mountpoint: mountpoint, record: .set(entry.record), add: entry.attachments))
            }
            try await before.close()
            let ledger = try SQLiteLedger.open(at: folder, waitingLimit: 4)
            var limits = ManagerLimits()
            limits.writesAtOnce = 4
            let kernel = SimulatedKernel()
            let manager = try await ManagerHarness.manager(kernel: kernel, ledger: ledger, limits: limits)
            for mountpoint in contents.mounts.keys { await manager.waitForRest(at: mountpoint, within: .seconds(60)) }
            #expect(await manager.list().filter { $0.status.phase == .mounted }.count == (persistent ? 64 : 0))
            #expect(try await ledger.load().mounts.count == (persistent ? 64 : 0))
            #expect(await ledger.counters.refused == 0)
            try await ledger.close()
        }
    }
}
