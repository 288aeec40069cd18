// SPDX-License-Identifier: Apache-2.0

import MountModel
import MountTestSupport
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

    @Test func whatGoesWhileItIsTriedAgainIsNotMissedEither() async throws {
        let harness = try await replaced()
        try await harness.detach("vm-1")
        try await harness.settle()
        #expect(await !harness.leftovers().isEmpty)
        await harness.kernel.hold(.removeFolder)
        await harness.manager.removeFolders(ofNobody: [])
        await harness.kernel.waitUntilHeld(.removeFolder)
        harness.kernel.unmountTop(at: try Mountpoint(place))
        _ = await harness.manager.list()
        await harness.kernel.letGo(.removeFolder)
        await waitUntilNothingIsLeft(of: harness)
    }

    @Test func aPlaceThatARecordNamesIsNobodysToRemove() async throws {
        let harness = try await ManagerHarness()
        try await harness.attach("vm-1")
        await harness.manager.removeFolders(ofNobody: [try Mountpoint(place)])
        try await harness.detach("vm-1")
        #expect(await harness.leftovers().isEmpty)
    }
}
