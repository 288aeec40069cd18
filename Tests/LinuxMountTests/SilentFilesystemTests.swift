// SPDX-License-Identifier: Apache-2.0

import CLinux
import MountTestSupport
import SystemPackage
import Testing

@testable import LinuxMount

extension RealKernel {
    /// A FUSE filesystem whose server never answers: every question to the filesystem itself would wait for ever.
    @Suite struct SilentFilesystemTests {
        @Test(arguments: Sandbox.tables, [0, 1000])
        func `no question and no unmount waits for a filesystem that never answers`(
            table: MountTable, owner: Int
        ) throws {
            try Sandbox.run(table: table) { sandbox in
                let silent = try SilentFilesystem()
                let target = try sandbox.root.target("silent")
                _ = try target.prepareFolder()
                #expect(try target.place(silent.mount(owner: owner), parking: sandbox.parking) == .placed)
                guard case .mount(let id) = try target.topmost() else {
                    Issue.record("nothing is mounted")
                    return
                }
                #expect(try target.observe(expecting: id, parking: sandbox.parking).summary == .ours)
                let entry = try #require(try table.entry(id))
                #expect(entry.filesystemType == "fuse.silent")
                #expect(throws: SystemCallError.self) { try target.prepareFolder() }
                #expect(throws: SystemCallError.self) { try target.removeFolder() }
                #expect(try target.park(id, in: sandbox.parking) == .parked)
                #expect(try sandbox.parking.slots() == [id])
                #expect(try sandbox.parking.moveBack(id, to: target) == .movedBack)
                try sandbox.end(target, id)
            }
        }

        @Test(arguments: Sandbox.tables)
        func `the way by the file description gives the same id`(table: MountTable) throws {
            try Sandbox.run(table: table) { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                let folder = try OwnedDescriptor.openPlace(
                    sandbox.root.path, at: -1, .anywhere, on: sandbox.root.path)
                #expect(try table.mountIDByFileDescription(of: target.name, at: folder.rawValue) == id)
                try sandbox.end(target, id)
            }
        }
    }
}
