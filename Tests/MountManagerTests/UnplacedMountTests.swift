// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxMount
import MountManager
import MountModel
import SystemPackage
import Testing

/// A mount that cannot be placed, on the real kernel: it is closed, and the next one can be.
@Suite(.timeLimit(.minutes(1))) struct UnplacedMountTests {
    @Test func aMountThatIsNotPlacedIsClosed() async throws {
        try await ExecutorSite.with { site in
            let (executor, place) = (site.executor, site.place)
            let id = try await executor.build(ManagerHarness.source("data"), for: place)
            // Whatever somebody has put there keeps the folder from being a mountpoint.
            let file = site.rootPath.appending("data")
            try #require(close(open(file.string, O_CREAT | O_WRONLY | O_EXCL, 0o600)) == 0)
            let refused = await executor.place(id, at: place)
            #expect(refused.seen == .empty)
            #expect(refused.problem?.message.contains("cannot place a mount") == true)
            #expect(await executor.place(id, at: place).problem?.message.contains("is not in hand") == true)
            try #require(unlink(file.string) == 0)
            let other = try await executor.build(ManagerHarness.source("data"), for: place)
            #expect(await executor.place(other, at: place).seen == .ours)
            #expect(await executor.unmount(other, from: place, rung: 0).seen == .empty)
            try await executor.removeFolder(at: place)
        }
    }
}
