// SPDX-License-Identifier: Apache-2.0

import CLinux
import LinuxMount
import SystemPackage
import Testing

extension RealKernel {
    @Suite struct MountTableTests {
        /// A path whose last component is bytes that need escaping, and some that are no text.
        private static let uglyNames: [FilePath] =
            ["plain", "with space", "tab\tnewline\nback\\slash#hash", "ümlaut"]
            + [FilePath(platformString: [65, -1, -128, 0])]

        @Test func `both methods say the same of the same mounts`() throws {
            try Sandbox.run { sandbox in
                var ends: [(TargetPath, KernelMountID)] = []
                for name in Self.uglyNames {
                    let target = try sandbox.root.target(name)
                    _ = try target.prepareFolder()
                    let mount = try Sandbox.tmpfs(
                        source: "so urce,with\\all", options: [("size", "64k"), ("mode", "0711"), ("nr_inodes", "77")])
                    try mount.setAttributes([.readOnly, .noExecute, .noAccessTime, .noSymlinkFollow])
                    let id = mount.id
                    #expect(try target.place(mount, parking: sandbox.parking) == .placed)
                    ends.append((target, id))
                }
                let new = try MountTable(.statmount).entries()
                let old = try MountTable(.mountinfo).entries()
                #expect(new.count == old.count)
                let byOldID = Dictionary(uniqueKeysWithValues: old.map { ($0.id, $0) })
                for var entry in new {
                    entry.id = entry.mountinfoID
                    entry.parentID = entry.mountinfoParentID
                    // The namespace's root has no parent that mountinfo could show.
                    if entry.mountpoint == "/" { entry.mountinfoParentID = entry.parentID }
                    guard var other = byOldID[entry.id] else {
                        Issue.record("not in mountinfo: \(entry)")
                        continue
                    }
                    if entry.mountpoint == "/" {
                        other.parentID = entry.parentID
                        other.mountinfoParentID = entry.mountinfoParentID
                    }
                    #expect(entry == other)
                }
                for (target, id) in ends {
                    let entry = try #require(try MountTable(.statmount).entry(id))
                    #expect(entry.mountpoint == target.path)
                    #expect(entry.parentID == sandbox.root.id)
                    #expect(entry.source == KernelText("so urce,with\\all"))
                    #expect(entry.superblockOptions?.contains(KernelText("size=64k")) == true)
                    #expect(
                        entry.attributes
                            == [.readOnly, .noSetUserID, .noDevices, .noExecute, .noAccessTime, .noSymlinkFollow])
                    try sandbox.end(target, id)
                }
            }
        }

        @Test(arguments: Sandbox.tables)
        func `a stack is listed from the lowest up, and what is beneath a path by whole names`(table: MountTable) throws
        {
            try Sandbox.run(table: table) { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "ab")
                let (other, otherID) = try sandbox.mountTmpfs(at: "a")
                try Sandbox.mountForeign(at: target.path)
                try Sandbox.mountForeign(at: target.path)
                let stack = try table.entries(at: target.path)
                #expect(stack.count == 3)
                #expect(stack.first?.id == id)
                #expect(stack[1].parentID == id)
                #expect(stack[2].parentID == stack[1].id)
                #expect(try table.descendants(of: id) == stack.dropFirst().map(\.id).sorted())
                #expect(try table.entries(beneath: other.path) == [])
                #expect(try table.entries(beneath: sandbox.root.path).count == 4)
                #expect(try table.entry(otherID)?.mountpoint == other.path)
                try Sandbox.unmountForeign(at: target.path)
                try Sandbox.unmountForeign(at: target.path)
                try sandbox.end(target, id)
                #expect(try table.entry(id) == nil)
                try sandbox.end(other, otherID)
            }
        }

        @Test(arguments: Sandbox.tables)
        func `a thousand mounts are placed, listed and unmounted`(table: MountTable) throws {
            try Sandbox.run(table: table) { sandbox in
                // mountinfo is read whole for every question.
                let count = table.method == .statmount ? 1000 : 30
                var all: [(TargetPath, KernelMountID)] = []
                for number in 0..<count { all.append(try sandbox.mountTmpfs(at: FilePath("many/\(number)"))) }
                #expect(try table.entries(beneath: sandbox.root.path).count == count)
                #expect(try table.descendants(of: sandbox.root.id) == all.map(\.1).sorted())
                for (target, id) in all {
                    #expect(try target.unmountExactly(id, parking: sandbox.parking) == .unmounted)
                    try target.removeFolder()
                }
                #expect(try table.entries(beneath: sandbox.root.path) == [])
            }
        }

        @Test func `a detached mount is in no table, and its id is the one it has when attached`() throws {
            try Sandbox.run { sandbox in
                let target = try sandbox.root.target("a")
                _ = try target.prepareFolder()
                let mount = try Sandbox.tmpfs()
                let id = mount.id
                #expect(try sandbox.table.entry(id) == nil)
                #expect(try target.place(mount, parking: sandbox.parking) == .placed)
                #expect(try target.topmost() == .mount(id))
                try sandbox.end(target, id)
            }
        }

        @Test func `features that this kernel has agree with each other`() {
            let features = KernelFeatures.current
            #expect(Set(features.rows.map(\.name)).count == features.rows.count)
            #expect((MountTable.current.method == .statmount) == (features.hasStatmount && features.hasUniqueMountIDs))
            // A kernel that has the later of two has the earlier.
            if features.hasStatmount { #expect(features.hasMountBeneath && features.hasExclusiveCreate) }
            if features.hasOpenTreeAttributes { #expect(features.hasStatmount && features.hasUniqueHandleMountIDs) }
        }
    }
}
