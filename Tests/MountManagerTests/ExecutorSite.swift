// SPDX-License-Identifier: Apache-2.0

import LinuxMount
import MountManager
import MountModel
import MountTestSupport
import SystemPackage
import Testing

/// An executor on the real kernel, with a mount root, a parking lot, and one mountpoint.
struct ExecutorSite {
    let rootPath: FilePath
    let lotPath: FilePath
    let root: ManagedRoot
    let lot: ParkingLot
    let executor: LinuxExecutor
    let place: Mountpoint

    /// Afterwards nothing may be mounted there any more.
    static func with(_ body: (ExecutorSite) async throws -> Void) async throws {
        try PrivateNamespace.require()
        try await TemporaryFolder.with { folder in
            let (rootPath, lotPath) = (folder.appending("root"), folder.appending("parking"))
            let (root, lot) = (try ManagedRoot.prepare(at: rootPath), try ParkingLot.prepare(at: lotPath))
            let executor = LinuxExecutor(root: root, parking: lot, threads: 1)
            let place = try Mountpoint(rootPath.appending("data").string)
            try await body(
                ExecutorSite(
                    rootPath: rootPath, lotPath: lotPath, root: root, lot: lot, executor: executor, place: place))
            try await executor.shutDown()
            try lot.release()
            try root.release()
            #expect(try MountTable(.mountinfo).entries(beneath: folder).isEmpty)
        }
    }
}
