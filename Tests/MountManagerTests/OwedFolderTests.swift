// SPDX-License-Identifier: Apache-2.0

import Logging
import MountModel
import MountTestSupport
import SystemPackage
import Testing

@testable import MountManager

/// Folders that something foreign is mounted on go when it has gone, whenever that is.
@Suite(.timeLimit(.minutes(1))) struct OwedFolderTests {
    private let place = "/root/data"

    /// Attached, then unmounted by somebody who mounts something else there.
    private func replaced() async throws -> ManagerHarness {
        let harness = try await ManagerHarness()
        try await harness.attach("vm-1")
        harness.kernel.unmountTop(at: try Mountpoint(place))
        harness.kernel.mountForeign(at: try Mountpoint(place))
        return harness
    }

    private func waitUntilNothingIsLeft(of harness: ManagerHarness) async {
        // The time limit cancels this if the folder is never removed.
        while !Task.isCancelled, await !harness.leftovers().isEmpty { await Task.yield() }
        #expect(await harness.leftovers().isEmpty)
    }

    @Test func whatGoesJustAfterTheRefusalIsNotMissed() async throws {
        let harness = try await replaced()
        await harness.kernel.hold(.removeFolder)
        async let detached = harness.detach("vm-1")
        await harness.kernel.waitUntilHeld(.removeFolder)
        // The removal has been refused, and nobody has heard of it yet.
        harness.kernel.unmountTop(at: try Mountpoint(place))
        _ = await harness.manager.list()
        await harness.kernel.letGo(.removeFolder)
        #expect(try await detached.detached)
        await waitUntilNothingIsLeft(of: harness)
    }

    @Test func whatGoesJustAfterALookIsNotMissedEither() async throws {
        let harness = try await replaced()
        try await harness.detach("vm-1")
        try await harness.settle()
        #expect(await !harness.leftovers().isEmpty)
        await harness.kernel.hold(.list)
        await harness.manager.removeFolders(ofNobody: [])
        await harness.kernel.waitUntilHeld(.list)
        harness.kernel.unmountTop(at: try Mountpoint(place))
        _ = await harness.manager.list()
        await harness.kernel.letGo(.list)
        await waitUntilNothingIsLeft(of: harness)
    }

    @Test func aPlaceThatARecordNamesIsNobodysToRemove() async throws {
        let harness = try await ManagerHarness()
        try await harness.attach("vm-1")
        await harness.manager.removeFolders(ofNobody: [try Mountpoint(place)])
        try await harness.detach("vm-1")
        #expect(await harness.leftovers().isEmpty)
    }

    @Test func foldersThatAreStillCoveredAreNotTriedWheneverSomethingElseGoes() async throws {
        let harness = try await ManagerHarness()
        for number in 0..<20 {
            let place = "/root/s\(number)"
            try await harness.attach("vm", to: ManagerHarness.source("s\(number)"), at: place)
            harness.kernel.unmountTop(at: try Mountpoint(place))
            harness.kernel.mountForeign(at: try Mountpoint(place))
            try await harness.detach("vm", from: place)
            try await harness.settle(place)
        }
        #expect(harness.log.entries(beginningWith: "the mountpoint's folder stays", at: .warning).count == 20)
        let tried = harness.kernel.count(.removeFolder)
        for _ in 0..<3 {
            try await harness.attach("vm-1")
            try await harness.detach("vm-1")
            try await harness.settle()
        }
        harness.kernel.unmountTop(at: try Mountpoint("/root/s7"))
        _ = await harness.manager.list()
        // It waits for what is being tried.
        await harness.manager.stop(within: .seconds(30))
        // The three of its own, and the one that has become free.
        #expect(harness.kernel.count(.removeFolder) == tried + 4)
        #expect(harness.kernel.folders["/root/s7"] == nil)
        #expect(harness.kernel.folders["/root/s8"] != nil)
        #expect(harness.log.entries(beginningWith: "the mountpoint's folder stays", at: .warning).count == 20)
    }

    @Test func aFolderThatCannotBeRemovedIsSaidOnce() async throws {
        let harness = try await replaced()
        try await harness.detach("vm-1")
        try await harness.settle()
        let broken = MountError(.mountFailed, "the disk is broken")
        harness.kernel.fail(.removeFolder, with: [broken, broken, broken])
        harness.kernel.unmountTop(at: try Mountpoint(place))
        // Each one tries once more, and waits for it.
        for _ in 0..<3 { await harness.manager.stop(within: .seconds(30)) }
        #expect(harness.log.entries(beginningWith: "the mountpoint's folder stays", at: .warning).count == 2)
        await harness.manager.stop(within: .seconds(30))
        #expect(await harness.leftovers().isEmpty)
    }

    @Test(arguments: [
        ([], ["/root/a", "/root/b/c"]), (["/root/a"], ["/root/b/c"]), (["/root/b"], ["/root/a"]),
        (["/root/b/c"], ["/root/a"]), (["/root/ab", "/root/b/c/d", "/root/b/cd"], ["/root/a", "/root/b/c"]),
    ])
    func onlyFoldersThatNothingIsMountedOnOrOnTheWayToAreTried(mounts: [String], free: [String]) throws {
        var folders = OwedFolders()
        for path in ["/root/a", "/root/b/c"] { folders.add(try Mountpoint(path)) }
        #expect(folders.uncovered(by: Set(mounts.map { FilePath($0) })).map(\.description) == free)
    }

    @Test func theSameReasonIsNoNews() throws {
        let place = try Mountpoint(place)
        var folders = OwedFolders()
        folders.add(place)
        var news = [folders.note(MountError(.foreign, "covered"), at: place)]
        folders.add(place)
        news.append(folders.note(MountError(.foreign, "covered"), at: place))
        news.append(folders.note(MountError(.mountFailed, "broken"), at: place))
        folders.remove(place)
        #expect(folders.isEmpty && !folders.contains(place))
        news.append(folders.note(MountError(.mountFailed, "broken"), at: place))
        #expect(news == [true, false, true, true])
    }
}
