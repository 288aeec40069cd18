// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxMount
import MountManager
import MountModel
import SystemPackage
import Testing

/// An executor that repairs nothing, on the real kernel: what it looks at stays as it is.
@Suite(.timeLimit(.minutes(1))) struct ReadOnlyExecutorTests {
    @Test func aLookChangesNothing() async throws {
        try await ExecutorSite.with { site in
            let (rootPath, lotPath, root, lot) = (site.rootPath, site.lotPath, site.root, site.lot)
            let (executor, place) = (site.executor, site.place)
            let source = ManagerHarness.source("data")
            let id = try await executor.build(source, for: place)
            #expect(await executor.place(id, at: place).seen == .ours)
            // As a crash leaves it, and somebody who shares the root.
            let (target, kernelID) = (try root.target("data"), KernelMountID(rawValue: id.rawValue))
            #expect(try target.park(kernelID, in: lot) == .parked)
            #expect(mkdir(lotPath.appending("7").string, 0) == 0)
            for path in [rootPath, lotPath] { #expect(mount(nil, path.string, nil, UInt(MS_SHARED), nil) == 0) }

            try await look(at: place, expecting: id, in: rootPath, lotPath)
            #expect(try root.isExposed())
            #expect(try lot.slots() == [kernelID])
            #expect(access(lotPath.appending("7").string, F_OK) == 0)

            #expect(await executor.drift(among: [:])?.isRootExposed == true)
            #expect(try !root.isExposed())
            _ = try ParkingLot.prepare(at: lotPath)
            #expect(await executor.inspect(place, expecting: id).seen == .ours)
            #expect(access(lotPath.appending("7").string, F_OK) != 0)
            #expect(await executor.unmount(id, from: place, rung: 0).seen == .empty)
            try await executor.removeFolder(at: place)
        }
    }

    /// All that a read-only daemon does.
    private func look(at place: Mountpoint, expecting id: MountID, in root: FilePath, _ lot: FilePath) async throws {
        let executor = LinuxExecutor(
            root: try ManagedRoot.prepare(at: root, repairs: false),
            parking: try ParkingLot.prepare(at: lot, repairs: false), isReadOnly: true, threads: 1)
        for _ in 0..<2 {
            let outcome = await executor.inspect(place, expecting: id)
            #expect(outcome.seen == .covered)
            #expect(outcome.problem?.message.contains("parking slot") == true)
            #expect(await executor.drift(among: [id: ManagerHarness.source("data")])?.isRootExposed == true)
        }
        try await executor.shutDown()
    }
}
