// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import LinuxMount
import SystemPackage
import Testing

extension RealKernel {
    @Suite struct ManagedRootTests {
        @Test(arguments: Sandbox.tables)
        func `a root is private and is taken over by the next daemon with what is mounted beneath`(
            table: MountTable
        ) throws {
            try Sandbox.run(table: table) { sandbox in
                #expect(sandbox.root.origin == .created)
                #expect(try table.entry(sandbox.root.id)?.propagation == .private)
                let (target, id) = try sandbox.mountTmpfs(at: "a/b")
                let again = try ManagedRoot.prepare(at: sandbox.root.path, table: table)
                #expect(again.origin == .reused)
                #expect(again.id == sandbox.root.id)
                #expect(try again.target("a/b").topmost() == .mount(id))
                #expect(try table.entries(at: sandbox.root.path).count == 1)
                let lot = try ParkingLot.prepare(at: sandbox.parking.path, table: table)
                #expect(lot.id == sandbox.parking.id)
                #expect(try table.entries(at: lot.path).count == 1)
                try sandbox.end(target, id)
            }
        }

        @Test func `the parking lot is private and closed to others`() throws {
            try Sandbox.run { sandbox in
                let entry = try #require(try sandbox.table.entry(sandbox.parking.id))
                #expect(entry.propagation == .private)
                #expect(entry.filesystemType == "tmpfs")
                #expect(entry.attributes == [.noSetUserID, .noDevices, .noExecute])
                var facts = stat()
                #expect(stat(sandbox.parking.path.string, &facts) == 0)
                #expect(facts.st_mode & 0o7777 == 0o700)
                #expect(facts.st_uid == 0)
            }
        }

        @Test func `beneath a shared mount the root is private all the same, and nothing appears twice`() throws {
            try HostFolder.alone { folder in
                let shared = folder.appending("shared")
                #expect(mkdir(shared.string, 0o755) == 0)
                let held = open(shared.string, O_DIRECTORY | O_CLOEXEC)
                try OwnedDescriptor(owning: held).bindOntoItself(shared, HF_MS_SHARED)
                let root = try ManagedRoot.prepare(at: shared.appending("root"))
                let parking = try ParkingLot.prepare(at: shared.appending("parking"))
                #expect(try MountTable.current.entry(root.id)?.propagation == .private)
                #expect(try MountTable.current.entry(parking.id)?.propagation == .private)
                let target = try root.target("a")
                _ = try target.prepareFolder()
                let mount = try Sandbox.tmpfs()
                let id = mount.id
                #expect(try target.place(mount, parking: parking) == .placed)
                #expect(try MountTable.current.entries().count { $0.device == entryDevice(id) } == 1)
                #expect(try target.unmountExactly(id, parking: parking) == .unmounted)
                try target.removeFolder()
                try root.release()
                try parking.release()
                try Sandbox.unmountForeign(at: shared)
            }
        }

        private func entryDevice(_ id: KernelMountID) -> DeviceNumber? {
            (try? MountTable.current.entry(id))?.device
        }

        @Test func `a root that others made shared is made private again`() throws {
            try Sandbox.run { sandbox in
                let path = sandbox.root.path.string
                #expect(hf_mount_setattr(-100, path, 0, 0, 0, UInt64(HF_MS_SHARED)) == 0)
                let again = try ManagedRoot.prepare(at: sandbox.root.path)
                #expect(again.origin == .madePrivateAgain)
                #expect(try sandbox.table.entry(again.id)?.propagation == .private)
            }
        }

        @Test func `a root in use that others made shared is made private again, once`() throws {
            try Sandbox.run { (sandbox) throws in
                #expect(try sandbox.root.keepPrivate() == false)
                #expect(hf_mount_setattr(-100, sandbox.root.path.string, 0, 0, 0, UInt64(HF_MS_SHARED)) == 0)
                #expect(try sandbox.root.keepPrivate())
                #expect(try sandbox.table.entry(sandbox.root.id)?.propagation == .private)
                #expect(try sandbox.root.keepPrivate() == false)
            }
        }

        @Test func `what was mounted while the root was shared is made private with it`() throws {
            try Sandbox.run { sandbox in
                for prepares in [false, true] {
                    #expect(hf_mount_setattr(-100, sandbox.root.path.string, 0, 0, 0, UInt64(HF_MS_SHARED)) == 0)
                    let target = try sandbox.root.target("a")
                    _ = try target.prepareFolder()
                    let mount = try Sandbox.tmpfs()
                    let id = mount.id
                    #expect(try target.place(mount, parking: sandbox.parking) == .placed)
                    #expect(try sandbox.table.entry(id)?.propagation == .shared)
                    if prepares {
                        _ = try ManagedRoot.prepare(at: sandbox.root.path)
                    } else {
                        #expect(try sandbox.root.keepPrivate())
                    }
                    #expect(try sandbox.table.entry(id)?.propagation == .private)
                    #expect(try target.unmountExactly(id, parking: sandbox.parking) == .unmounted)
                    try target.removeFolder()
                }
            }
        }

        @Test func `what is missing on the way to a parking lot is made for its owner alone`() throws {
            try HostFolder.alone { folder in
                let path = folder.appending("run").appending("parking")
                let lot = try ParkingLot.prepare(at: path)
                try PrivateFolder.ensure(at: path.removingLastComponent()).close()
                try lot.release()
                try #require(rmdir(path.string) == 0 && rmdir(path.removingLastComponent().string) == 0)
            }
        }

        @Test func `a root that others have mounted over is not covered with a second one`() throws {
            try Sandbox.run { sandbox in
                try Sandbox.mountForeign(at: sandbox.root.path)
                #expect(throws: SystemCallError.self) { try ManagedRoot.prepare(at: sandbox.root.path) }
                #expect(throws: SystemCallError.self) { try sandbox.root.release() }
                try Sandbox.unmountForeign(at: sandbox.root.path)
                try Sandbox.mountForeign(at: sandbox.parking.path)
                #expect(throws: SystemCallError.self) { try ParkingLot.prepare(at: sandbox.parking.path) }
                #expect(throws: SystemCallError.self) { try sandbox.parking.release() }
                try Sandbox.unmountForeign(at: sandbox.parking.path)
            }
        }

        @Test func `a root with a mount beneath it or in use is not released and goes on working`() throws {
            try Sandbox.run { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                #expect(throws: SystemCallError("umount2", .resourceBusy, on: sandbox.root.path.string)) {
                    try sandbox.root.release()
                }
                #expect(try target.topmost() == .mount(id))
                try sandbox.end(target, id)
                let file = creat(sandbox.root.path.appending("file").string, 0o644)
                #expect(throws: SystemCallError("umount2", .resourceBusy, on: sandbox.root.path.string)) {
                    try sandbox.root.release()
                }
                #expect(try target.topmost() == .missing)
                close(file)
                #expect(unlink(sandbox.root.path.appending("file").string) == 0)
            }
        }

        @Test func `a released root refuses every operation`() throws {
            try HostFolder.alone { folder in
                let root = try ManagedRoot.prepare(at: folder.appending("root"))
                let target = try root.target("a")
                try root.release()
                #expect(throws: SystemCallError.self) { try target.topmost() }
                #expect(throws: SystemCallError.self) { try target.prepareFolder() }
                #expect(access(folder.appending("root/a").string, F_OK) != 0)
            }
        }

        @Test func `a root on a filesystem of its own is bound on top of it`() throws {
            try HostFolder.alone { folder in
                let path = folder.appending("root")
                #expect(mkdir(path.string, 0o755) == 0)
                let disk = try Sandbox.mountForeign(at: path)
                #expect(chmod(path.string, 0o755) == 0)
                let root = try ManagedRoot.prepare(at: path)
                #expect(root.id != disk)
                #expect(try ManagedRoot.prepare(at: path).origin == .reused)
                try root.release()
                #expect(try MountTable.current.entry(disk) != nil)
                try Sandbox.unmountForeign(at: path)
            }
        }

        @Test func `missing folders on the way are made for root, whatever the umask`() throws {
            try HostFolder.alone { folder in
                let previous = umask(0o077)
                defer { umask(previous) }
                let root = try ManagedRoot.prepare(at: folder.appending("x/y/root"))
                for name in ["x", "x/y", "x/y/root"] {
                    var facts = stat()
                    #expect(stat(folder.appending(name).string, &facts) == 0)
                    #expect(facts.st_mode & 0o7777 == 0o755)
                }
                try root.release()
            }
        }

        @Test(arguments: 0..<3)
        func `a symbolic link in any component of the root's path is refused`(position: Int) throws {
            try HostFolder.alone { folder in
                #expect(mkdir(folder.appending("real").string, 0o755) == 0)
                var path = folder.path
                for (index, name) in ["a", "b", "c"].enumerated() {
                    path.append(name)
                    if index == position {
                        #expect(symlink(folder.appending("real").string, path.string) == 0)
                        break
                    }
                    #expect(mkdir(path.string, 0o755) == 0)
                }
                do throws(SystemCallError) {
                    _ = try ManagedRoot.prepare(at: folder.appending("a/b/c"))
                    Issue.record("a root behind a link")
                } catch {
                    #expect([Errno.tooManySymbolicLinkLevels, .notDirectory].contains(error.errno), "\(error)")
                }
            }
        }

        @Test func `a root on a way that others could exchange is refused`() throws {
            try HostFolder.alone { folder in
                #expect(mkdir(folder.appending("loose").string, 0o755) == 0)
                #expect(chmod(folder.appending("loose").string, 0o777) == 0)
                #expect(mkdir(folder.appending("theirs").string, 0o755) == 0)
                #expect(chown(folder.appending("theirs").string, 1000, 1000) == 0)
                for path in ["loose/root", "loose", "theirs/root", "theirs"] {
                    do throws(SystemCallError) {
                        _ = try ManagedRoot.prepare(at: folder.appending(path))
                        Issue.record("\(path) was taken")
                    } catch {
                        #expect(error.errno == .notPermitted)
                    }
                }
                for path in ["relative", "/", "/a/../b", "/a/./b"] as [FilePath] {
                    #expect(throws: SystemCallError.self) { try ManagedRoot.prepare(at: path) }
                }
            }
        }
    }
}

extension OwnedDescriptor {
    /// Binds an open folder onto itself with a propagation, as an administrator would.
    consuming func bindOntoItself(_ path: FilePath, _ propagation: CInt) throws {
        let clone = try DetachedMount(cloning: self)
        let moved = hf_move_mount(
            clone.descriptorNumber, "", -100, path.string, UInt32(HF_MOVE_MOUNT_F_EMPTY_PATH))
        try SystemCallError.check(moved, "move_mount")
        try SystemCallError.check(
            hf_mount_setattr(-100, path.string, 0, 0, 0, UInt64(propagation)), "mount_setattr")
    }
}
