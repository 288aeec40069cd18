// SPDX-License-Identifier: Apache-2.0

import Ledger
import MountManager
import MountModel
import MountTestSupport
import SystemPackage
import Testing

@Suite struct MountManagerTests {
    @Test func twoConsumersShareOneMountAndTheLastOneUnmounts() async throws {
        let harness = try await ManagerHarness()
        #expect(try await harness.attach("vm-1").created)
        #expect(try await harness.attach("vm-2").created)
        #expect(harness.kernel.count(.build) == 1)
        #expect(try await harness.detach("vm-1").phase == .mounted)
        let last = try await harness.detach("vm-2")
        #expect(last.detached)
        #expect(last.phase == .absent)
        #expect(await harness.leftovers() == [])
    }

    @Test func attachingTwiceIsOneAttachment() async throws {
        let harness = try await ManagerHarness()
        #expect(try await harness.attach("vm-1").created)
        #expect(try await harness.attach("vm-1").created == false)
        #expect(try await harness.detach("vm-1").phase == .absent)
    }

    @Test func detachingWhatIsNotAttachedChangesNothing() async throws {
        let harness = try await ManagerHarness()
        #expect(try await harness.detach("vm-1").detached == false)
        try await harness.attach("vm-1")
        let result = try await harness.detach("vm-2")
        #expect(result.detached == false)
        #expect(result.phase == .mounted)
        #expect(harness.kernel.count(.unmount) == 0)
    }

    @Test func sixtyFourAttachesOfOneSourceAreOneMountOperation() async throws {
        let harness = try await ManagerHarness()
        await harness.kernel.hold(.build)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 1...64 { group.addTask { try await harness.attach("vm-\(number)").created } }
            await harness.kernel.waitUntilHeld(.build)
            await harness.kernel.letGo(.build)
            for try await created in group { #expect(created) }
        }
        #expect(harness.kernel.count(.build) == 1)
        #expect(harness.kernel.count(.place) == 1)
        #expect(await harness.ledger.contents.mounts.first?.value.attachments.count == 64)
    }

    @Test func sixtyFourSourcesOverlap() async throws {
        let harness = try await ManagerHarness()
        await harness.kernel.hold(.build)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...64 {
                group.addTask {
                    try await harness.attach("vm", to: ManagerHarness.source("s\(number)"), at: "/root/s\(number)")
                }
            }
            // All of them are under way at once: with one lock for all this would wait for ever.
            await harness.kernel.waitUntilHeld(.build, 64)
            await harness.kernel.letGo(.build)
            try await group.waitForAll()
        }
        #expect(await harness.manager.list().count == 64)
    }

    @Test func anAttachDuringAnUnmountWaitsAndMountsAfresh() async throws {
        let harness = try await ManagerHarness()
        let first = try await harness.attach("vm-1")
        await harness.kernel.hold(.unmount)
        async let detach = harness.detach("vm-1")
        await harness.kernel.waitUntilHeld(.unmount)
        async let attach = harness.attach("vm-2")
        await Task.yield()
        await harness.kernel.letGo(.unmount)
        let second = try await attach
        _ = try await detach
        #expect(second.created)
        #expect(second.mount.mountID != first.mount.mountID)
        #expect(harness.kernel.count(.build) == 2)
        #expect(harness.kernel.stack(at: try Mountpoint("/root/data")).count == 1)
    }

    @Test func anotherSourceOrOtherOptionsConflictAndNameTheHolder() async throws {
        let harness = try await ManagerHarness()
        try await harness.attach("vm-1")
        let other = try await harness.attachError("vm-2", to: ManagerHarness.source("other"))
        #expect(other?.code == .conflict)
        #expect(other?.message.contains("vm-1") == true)
        #expect(other?.message.contains("tmpfs data") == true)
        let options = ManagerHarness.source("data", options: [MountOption("ro")])
        #expect(try await harness.attachError("vm-2", to: options)?.code == .conflict)
    }

    @Test func aFailedMountIsSharedLeavesNothingAndTheNextAttemptWorks() async throws {
        let harness = try await ManagerHarness()
        let failure = MountError(.mountFailed, "cannot mount: the kernel said no")
        harness.kernel.fail(.build, with: [failure])
        await harness.kernel.hold(.build)
        let errors = try await withThrowingTaskGroup(of: MountError?.self) { group in
            for number in 1...8 { group.addTask { try await harness.attachError("vm-\(number)") } }
            await harness.kernel.waitUntilHeld(.build)
            while await harness.manager.waitingCount(at: try Mountpoint("/root/data")) < 8 { await Task.yield() }
            await harness.kernel.letGo(.build)
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(errors == Array(repeating: failure, count: 8))
        #expect(harness.kernel.count(.build) == 1)
        #expect(await harness.leftovers() == [])
        #expect(try await harness.attach("vm-1").created)
    }

    @Test func aPlaceThatFailsLeavesNothing() async throws {
        let harness = try await ManagerHarness()
        let failure = MountError(.conflict, "the folder is not empty")
        harness.kernel.fail(.place, with: [failure])
        #expect(try await harness.attachError("vm-1") == failure)
        try await harness.detach("vm-1")
        #expect(await harness.leftovers() == [])
    }

    @Test func aBusyUnmountLingersAndANewAttachTakesItOver() async throws {
        let harness = try await ManagerHarness()
        let mountpoint = try Mountpoint("/root/data")
        let first = try await harness.attach("vm-1")
        harness.kernel.setBusy(true, at: mountpoint)
        let detached = try await harness.detach("vm-1")
        #expect(detached.detached)
        #expect(detached.phase == .lingering)
        #expect(detached.problem?.code == .busy)
        let again = try await harness.attach("vm-2")
        #expect(again.mount.mountID == first.mount.mountID)
        #expect(harness.kernel.count(.build) == 1)
        harness.kernel.setBusy(false, at: mountpoint)
        #expect(try await harness.detach("vm-2").phase == .absent)
    }

    @Test func aLingeringMountIsUnmountedByTheRetryOnceItsUserHasLeft() async throws {
        let harness = try await ManagerHarness(retryAfter: .milliseconds(1))
        let mountpoint = try Mountpoint("/root/data")
        try await harness.attach("vm-1")
        harness.kernel.setBusy(true, at: mountpoint)
        #expect(try await harness.detach("vm-1").detached)
        harness.kernel.setBusy(false, at: mountpoint)
        while await harness.manager.listing(at: mountpoint) != nil { await Task.yield() }
        #expect(await harness.leftovers() == [])
    }

    @Test func aMountThatSomebodyUnmountedIsMountedAgainByTheNextAttach() async throws {
        let harness = try await ManagerHarness()
        let mountpoint = try Mountpoint("/root/data")
        let first = try await harness.attach("vm-1")
        harness.kernel.unmountTop(at: mountpoint)
        let second = try await harness.attach("vm-2")
        #expect(second.mount.mountID != first.mount.mountID)
        #expect(harness.kernel.stack(at: mountpoint) == [second.mount.mountID])
        let listing = try #require(await harness.manager.listing(at: mountpoint))
        #expect(listing.attachments.map(\.key.consumer.name) == ["vm-1", "vm-2"])
    }

    @Test func whatSomebodyMountedOverOursIsNeverUnmounted() async throws {
        let harness = try await ManagerHarness()
        let mountpoint = try Mountpoint("/root/data")
        let ours = try await harness.attach("vm-1")
        let theirs = harness.kernel.mountForeign(at: mountpoint)
        #expect(try await harness.attachError("vm-2")?.code == .foreign)
        #expect(try await harness.detach("vm-1").detached)
        #expect(harness.kernel.stack(at: mountpoint) == [ours.mount.mountID, theirs])
        #expect(try await harness.phase() == .foreign)
    }

    @Test func whatLayOverOursIsMissedAlsoWhereItWasMovedAway() async throws {
        let harness = try await ManagerHarness()
        let mountpoint = try Mountpoint("/root/data")
        try await harness.attach("vm-1")
        harness.kernel.mountForeign(at: mountpoint)
        _ = await harness.manager.list()
        try await harness.settle()
        #expect(try await harness.phase() == .foreign)
        try harness.kernel.makeFolder("/elsewhere")
        try harness.kernel.move("/root/data", to: "/elsewhere")
        _ = await harness.manager.list()
        try await harness.settle()
        #expect(try await harness.phase() == .mounted)
    }

    @Test func aMountpointThatIsTakenByAnotherIsForeign() async throws {
        let harness = try await ManagerHarness()
        let theirs = harness.kernel.mountForeign(at: try Mountpoint("/root/data"))
        #expect(try await harness.attachError("vm-1")?.code == .foreign)
        #expect(harness.kernel.stack(at: try Mountpoint("/root/data")) == [theirs])
        #expect(await harness.ledger.contents.mounts.isEmpty)
    }

    @Test func aRequestThatIsNotDoneInTimeIsTimedOutAndLeavesNothing() async throws {
        let harness = try await ManagerHarness()
        await harness.kernel.hold(.build)
        let error = try await harness.attachError("vm-1", timeout: .milliseconds(5))
        #expect(error?.code == .timedOut)
        await harness.kernel.letGo(.build)
        try await harness.settle()
        #expect(await harness.leftovers() == [])
    }

    @Test func aCallerThatLeavesWithdrawsItsRequest() async throws {
        let harness = try await ManagerHarness()
        await harness.kernel.hold(.build)
        let task = Task { try await harness.attachError("vm-1") }
        await harness.kernel.waitUntilHeld(.build)
        task.cancel()
        #expect(try await task.value?.code == .cancelled)
        await harness.kernel.letGo(.build)
        try await harness.settle()
        #expect(await harness.leftovers() == [])
    }

    @Test func aDetachWhileItsAttachWaitsCancelsIt() async throws {
        let harness = try await ManagerHarness()
        await harness.kernel.hold(.build)
        async let attach = harness.attachError("vm-1")
        await harness.kernel.waitUntilHeld(.build)
        #expect(
            try await harness.manager.detach(
                ManagerHarness.key("vm-1"), from: Mountpoint("/root/data"), owner: 0, timeout: .milliseconds(1)
            ).detached == false)
        #expect(try await attach?.code == .cancelled)
        await harness.kernel.letGo(.build)
        try await harness.settle()
        #expect(await harness.leftovers() == [])
    }

    @Test func aLedgerThatCannotTakeTheRecordFailsTheRequestAndNothingIsMounted() async throws {
        let harness = try await ManagerHarness()
        let full = MountError(.resourceExhausted, "the ledger's disk is full")
        await harness.ledger.fail(with: [full])
        #expect(try await harness.attachError("vm-1") == full)
        #expect(harness.kernel.count(.place) == 0)
        #expect(await harness.leftovers() == [])
    }

    @Test func aLedgerThatCannotTakeTheAttachmentFailsTheRequestAndUnmounts() async throws {
        let harness = try await ManagerHarness()
        let full = MountError(.resourceExhausted, "the ledger's disk is full")
        try await harness.attach("vm-1")
        await harness.ledger.fail(with: [full])
        #expect(try await harness.attachError("vm-2") == full)
        #expect(try await harness.detach("vm-1").phase == .absent)
        #expect(await harness.leftovers() == [])
    }

    @Test func aFullQueueRefusesOneMore() async throws {
        var limits = ManagerLimits()
        limits.waitingAtMountpoint = 2
        let harness = try await ManagerHarness(limits: limits)
        await harness.kernel.hold(.build)
        async let first = harness.attach("vm-1")
        async let second = harness.attach("vm-2")
        while await harness.manager.waitingCount(at: try Mountpoint("/root/data")) < 2 { await Task.yield() }
        #expect(try await harness.attachError("vm-3")?.code == .resourceExhausted)
        await harness.kernel.letGo(.build)
        _ = try await (first, second)
    }

    @Test func oneDeviceAtTwoMountpointsIsAConflict() async throws {
        let harness = try await ManagerHarness()
        let device = MountSource(type: FilesystemType(rawValue: "ext4"), source: "/dev/vdb", options: [])
        try await harness.attach("vm-1", to: device, at: "/root/a")
        let error = try await harness.attachError("vm-2", to: device, at: "/root/b")
        #expect(error?.code == .conflict)
        #expect(error?.message.contains("/root/a") == true)
    }

    @Test func twoOverlaysThatWriteToOneFolderConflict() async throws {
        let harness = try await ManagerHarness()
        func overlay(_ name: String, work: String) -> MountSource {
            MountSource(
                type: FilesystemType(rawValue: "overlay"), source: name,
                options: [MountOption("lowerdir", "/l"), MountOption("upperdir", "/u"), MountOption("workdir", work)])
        }
        try await harness.attach("vm-1", to: overlay("one", work: "/w1"), at: "/root/one")
        let error = try await harness.attachError("vm-2", to: overlay("two", work: "/w2"), at: "/root/two")
        #expect(error?.code == .conflict)
        #expect(error?.message.contains("/root/one") == true)
    }

    @Test func aMountpointOutsideTheRootIsRefused() async throws {
        let harness = try await ManagerHarness()
        for path in ["/etc", "/root", "/rootless/data"] {
            #expect(try await harness.attachError("vm-1", at: path)?.code == .invalidArgument)
        }
    }

    @Test func verifyTellsWhatTheKernelShows() async throws {
        let harness = try await ManagerHarness()
        for name in ["ok", "missing", "replaced", "foreign"] {
            try await harness.attach("vm", to: ManagerHarness.source(name), at: "/root/\(name)")
        }
        harness.kernel.unmountTop(at: try Mountpoint("/root/missing"))
        harness.kernel.unmountTop(at: try Mountpoint("/root/replaced"))
        harness.kernel.mountForeign(at: try Mountpoint("/root/replaced"))
        harness.kernel.mountForeign(at: try Mountpoint("/root/foreign"))
        let results = await harness.manager.verify().map(\.examination.result)
        #expect(results == [.foreign, .missing, .ok, .replaced])
        // What was missing is mounted again, because verify is a hint too.
        try await harness.settle("/root/missing")
        #expect(try await harness.phase(of: "/root/missing") == .mounted)
    }

    @Test func aStoppedManagerTakesNoRequests() async throws {
        let harness = try await ManagerHarness()
        try await harness.attach("vm-1")
        await harness.manager.stop(within: .seconds(1))
        #expect(try await harness.attachError("vm-2")?.code == .unavailable)
        #expect(harness.kernel.stack(at: try Mountpoint("/root/data")).count == 1)
    }
}

/// What must be answered at once is not held up by what hangs, and what hangs is not forgotten.
@Suite struct PromptnessTests {
    private let hour = Duration.seconds(3600)

    @Test func aDetachDoesNotWaitForABuildThatHangs() async throws {
        let harness = try await ManagerHarness()
        await harness.kernel.hold(.build)
        async let attach = harness.attachError("vm-1", timeout: hour)
        await harness.kernel.waitUntilHeld(.build)
        let detached = try await harness.manager.detach(
            ManagerHarness.key("vm-1"), from: Mountpoint("/root/data"), owner: 0, timeout: hour)
        #expect(detached.detached == false)
        #expect(try await attach?.code == .cancelled)
        await harness.kernel.letGo(.build)
    }

    @Test func aConflictIsToldWhileTheOthersBuildHangs() async throws {
        let harness = try await ManagerHarness()
        await harness.kernel.hold(.build)
        async let attach = harness.attach("vm-1", timeout: hour)
        await harness.kernel.waitUntilHeld(.build)
        #expect(
            try await harness.attachError("vm-2", to: ManagerHarness.source("other"), timeout: hour)?.code == .conflict)
        await harness.kernel.letGo(.build)
        _ = try await attach
    }

    @Test func anAttachOnAStuckMountpointFailsAtOnce() async throws {
        let harness = try await ManagerHarness(operationDeadline: .zero)
        await harness.kernel.hold(.build)
        async let first = harness.attachError("vm-1", timeout: hour)
        await harness.kernel.waitUntilHeld(.build)
        await harness.manager.noteOverdueOperations()
        #expect(try await first?.code == .stuck)
        #expect(try await harness.attachError("vm-2", timeout: hour)?.code == .stuck)
        await harness.kernel.letGo(.build)
        try await harness.settle()
        #expect(await harness.leftovers() == [])
    }

    @Test func aMountOverAFolderOnTheWayIsNoticed() async throws {
        let harness = try await ManagerHarness()
        try await harness.attach("vm-1", at: "/root/a/b")
        harness.kernel.mountForeign(at: try Mountpoint("/root/a"))
        let before = harness.kernel.count(.inspect)
        #expect(try await harness.attachError("vm-2", at: "/root/a/b")?.code == .foreign)
        #expect(harness.kernel.count(.inspect) == before + 1)
    }

    @Test func theReasonOfALingeringMountSurvivesAnInspection() async throws {
        let harness = try await ManagerHarness()
        let mountpoint = try Mountpoint("/root/data")
        try await harness.attach("vm-1")
        harness.kernel.setBusy(true, at: mountpoint)
        try await harness.detach("vm-1")
        harness.kernel.mountForeign(at: mountpoint)
        harness.kernel.unmountTop(at: mountpoint)
        _ = await harness.manager.list()
        try await harness.settle()
        let status = try #require(await harness.manager.listing(at: mountpoint)?.status)
        #expect(status.phase == .lingering)
        #expect(status.problem?.code == .busy)
    }

    @Test func aFolderThatSomethingForeignIsOnGoesWhenThatHasGone() async throws {
        let harness = try await ManagerHarness()
        let mountpoint = try Mountpoint("/root/data")
        await harness.kernel.hold(.place)
        async let attach = harness.attachError("vm-1")
        await harness.kernel.waitUntilHeld(.place)
        harness.kernel.mountForeign(at: mountpoint)
        await harness.kernel.letGo(.place)
        #expect(try await attach?.code == .foreign)
        try await harness.settle()
        #expect(await harness.ledger.contents.mounts.isEmpty)
        #expect(harness.kernel.leftovers.contains("folder /root/data"))
        harness.kernel.unmountTop(at: mountpoint)
        _ = await harness.manager.list()
        try await harness.attach("vm-1")
        try await harness.detach("vm-1")
        #expect(await harness.leftovers() == [])
    }

    @Test func aSourceThatIsStillWaitedForElsewhereConflicts() async throws {
        let harness = try await ManagerHarness()
        let device = MountSource(type: FilesystemType(rawValue: "ext4"), source: "/dev/vdb", options: [])
        await harness.kernel.hold(.build)
        async let first = harness.attach("vm-1", to: device, at: "/root/a")
        await harness.kernel.waitUntilHeld(.build)
        #expect(try await harness.attachError("vm-2", to: device, at: "/root/b")?.code == .conflict)
        await harness.kernel.letGo(.build)
        _ = try await first
    }
}
