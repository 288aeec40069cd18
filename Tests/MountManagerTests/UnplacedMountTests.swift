// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxMount
import MountManager
import MountModel
import MountTestSupport
import SystemPackage
import Testing

/// A mount that cannot be placed, on the real kernel: to close it may wait for its filesystem's end, which is not the
/// place operation's to wait for.
@Suite(.timeLimit(.minutes(1))) struct UnplacedMountTests {
    @Test func aMountThatIsNotPlacedStaysInHandUntilItIsClosed() async throws {
        try PrivateNamespace.require()
        try await TemporaryFolder.with { folder in
            let (rootPath, lotPath) = (folder.appending("root"), folder.appending("parking"))
            let (root, lot) = (try ManagedRoot.prepare(at: rootPath), try ParkingLot.prepare(at: lotPath))
            let executor = LinuxExecutor(root: root, parking: lot, threads: 1)
            let place = try Mountpoint(rootPath.appending("data").string)
            let id = try await executor.build(ManagerHarness.source("data"), for: place)
            // Whatever somebody has put there keeps the folder from being a mountpoint.
            let file = rootPath.appending("data")
            try #require(close(open(file.string, O_CREAT | O_WRONLY | O_EXCL, 0o600)) == 0)
            for _ in 0..<2 {
                let refused = await executor.place(id, at: place)
                #expect(refused.seen == .empty)
                #expect(refused.problem?.message.contains("cannot place a mount") == true)
            }
            try #require(unlink(file.string) == 0)
            #expect(await executor.place(id, at: place).seen == .ours)
            #expect(await executor.unmount(id, from: place, rung: 0).seen == .empty)
            try await executor.removeFolder(at: place)

            let other = try await executor.build(ManagerHarness.source("data"), for: place)
            await executor.close(other)
            #expect(await executor.place(other, at: place).problem?.message.contains("is not in hand") == true)
            try await executor.shutDown()
            try lot.release()
            try root.release()
        }
    }
}
