// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import SystemPackage
import Testing

@testable import LinuxMount

extension RealKernel {
    @Suite struct TargetFolderTests {
        @Test func `a prepared folder is root's, closed, immutable, and preparing it again changes nothing`() throws {
            try Sandbox.run { sandbox in
                let target = try sandbox.root.target("a/b/c")
                #expect(try target.topmost() == .missing)
                #expect(try target.prepareFolder() == FolderPreparation(created: true, isImmutable: true))
                #expect(try target.prepareFolder() == FolderPreparation(created: false, isImmutable: true))
                #expect(try target.topmost() == .folder)
                var facts = stat()
                #expect(stat(target.path.string, &facts) == 0)
                #expect(facts.st_mode == S_IFDIR)
                #expect(facts.st_uid == 0)
                #expect(stat(sandbox.root.path.appending("a/b").string, &facts) == 0)
                #expect(facts.st_mode == S_IFDIR | 0o755)
                try target.removeFolder()
                #expect(try target.topmost() == .missing)
                #expect(access(sandbox.root.path.appending("a").string, F_OK) != 0)
                try target.removeFolder()
            }
        }

        @Test func `an existing empty folder is taken over`() throws {
            try Sandbox.run { sandbox in
                let target = try sandbox.root.target("a")
                #expect(mkdir(target.path.string, 0o777) == 0)
                #expect(chown(target.path.string, 1000, 1000) == 0)
                #expect(try target.prepareFolder() == FolderPreparation(created: false, isImmutable: true))
                var facts = stat()
                #expect(stat(target.path.string, &facts) == 0)
                #expect(facts.st_mode == S_IFDIR)
                #expect(facts.st_uid == 0)
                try target.removeFolder()
            }
        }

        @Test func `a process killed while it takes a folder over leaves it as it was, or as one to remove`() throws {
            try Sandbox.run { sandbox in
                let target = try sandbox.root.target("a")
                let path = target.path.string
                #expect(mkdir(path, 0o755) == 0)
                #expect(chown(path, 1000, 1000) == 0)
                let states = Notes()
                let steps = KernelSteps { point in
                    var facts = stat()
                    guard stat(path, &facts) == 0 else { return }
                    states.append("\(facts.st_uid) \(String(facts.st_mode & 0o7777, radix: 8)) \(point.name)")
                }
                _ = try steps.bound { () throws(SystemCallError) in try target.prepareFolder() }
                #expect(states.lines.contains { $0.hasSuffix("folder.chown.after") })
                for state in states.lines {
                    #expect(state.hasPrefix("1000 755 ") || state.hasPrefix("1000 0 ") || state.hasPrefix("0 0 "))
                }
                try target.removeFolder()
                // The state in between, as a kill leaves it.
                #expect(mkdir(path, 0) == 0)
                #expect(chown(path, 1000, 1000) == 0)
                #expect(try sandbox.root.preparedFolders() == ["a"])
                try target.removeFolder()
                #expect(try target.topmost() == .missing)
            }
        }

        @Test func `with its mount gone nobody can write into the folder, not even root`() throws {
            try Sandbox.run { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                #expect(close(creat(target.path.appending("inside").string, 0o644)) == 0)
                // As if others had unmounted it.
                try Sandbox.unmountForeign(at: target.path)
                #expect(try target.observe(expecting: id, parking: sandbox.parking).summary == .empty)
                #expect(refusal(creat(target.path.appending("file").string, 0o644)) == .notPermitted)
                #expect(refusal(mkdir(target.path.appending("folder").string, 0o755)) == .notPermitted)
                #expect(refusal(rmdir(target.path.string)) == .notPermitted)
                #expect(refusal(rename(target.path.string, target.path.string + "2")) == .notPermitted)
                try target.removeFolder()
            }
        }

        @Test func `while it is mounted the folder can neither be renamed nor removed`() throws {
            try Sandbox.run { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a/b")
                // EPERM for the flag comes before EBUSY for the mount.
                #expect(refusal(rmdir(target.path.string)) == .notPermitted)
                #expect(refusal(rename(target.path.string, target.path.string + "2")) == .notPermitted)
                #expect(throws: SystemCallError.self) { try target.removeFolder() }
                #expect(throws: SystemCallError.self) { try target.prepareFolder() }
                #expect(try target.topmost() == .mount(id))
                try sandbox.end(target, id)
            }
        }

        @Test func `a folder with something in it is neither prepared nor removed, and stays as it was`() throws {
            try Sandbox.run { sandbox in
                let target = try sandbox.root.target("a")
                #expect(mkdir(target.path.string, 0o755) == 0)
                let file = target.path.appending("file").string
                #expect(close(creat(file, 0o644)) == 0)
                let notEmpty = SystemCallError("mkdirat", .directoryNotEmpty, on: target.path.string)
                #expect(throws: notEmpty) { try target.prepareFolder() }
                #expect(throws: SystemCallError("unlinkat", .directoryNotEmpty, on: target.path.string)) {
                    try target.removeFolder()
                }
                // Not left immutable by the attempts.
                #expect(unlink(file) == 0)
                try target.removeFolder()
            }
        }

        @Test(arguments: [(0, 0o755, false), (1000, 0o2750, false), (0, 0o755, true)] as [(uid_t, mode_t, Bool)])
        func `a folder that holds another's mountpoint is refused and left exactly as it was`(
            owner: uid_t, mode: mode_t, isImmutable: Bool
        ) throws {
            try Sandbox.run { sandbox in
                let (inner, id) = try sandbox.mountTmpfs(at: "a/b")
                let outer = try sandbox.root.target("a")
                #expect(chown(outer.path.string, owner, owner) == 0)
                #expect(chmod(outer.path.string, mode) == 0)
                try setImmutable(outer.path, isImmutable)
                let before = try FolderState(of: outer.path)
                let notEmpty = SystemCallError("mkdirat", .directoryNotEmpty, on: outer.path.string)
                #expect(throws: notEmpty) { try outer.prepareFolder() }
                #expect(try FolderState(of: outer.path) == before)
                try setImmutable(outer.path, false)
                try sandbox.end(inner, id)
            }
        }

        @Test func `a folder into which others put something meanwhile is left as it was, or closed and empty`() throws
        {
            try Sandbox.run { sandbox in
                let target = try sandbox.root.target("a")
                let inside = target.path.appending("inside").string
                func open() throws {
                    try #require(chown(target.path.string, 1000, 1000) == 0)
                    try #require(chmod(target.path.string, 0o755) == 0)
                }
                try #require(mkdir(target.path.string, 0o700) == 0)
                try open()
                let isDone = Flag()
                let other = Background {
                    while !isDone.isSet {
                        _ = mkdir(inside, 0o755)
                        _ = rmdir(inside)
                    }
                }
                defer { isDone.set() }
                for _ in 0..<300 {
                    do {
                        #expect(try target.prepareFolder().isImmutable)
                        #expect(rmdir(inside) != 0 && mkdir(inside, 0o755) != 0)
                        try setImmutable(target.path, false)
                        try open()
                    } catch let error as SystemCallError where error.errno == .directoryNotEmpty {
                        let state = try FolderState(of: target.path)
                        #expect(state.mode == S_IFDIR | 0o755 && state.owner == 1000 && state.group == 1000)
                        #expect(state.flags & UInt32(HF_FS_IMMUTABLE_FL) == 0)
                    }
                }
                isDone.set()
                try other.wait()
                _ = rmdir(inside)
                try target.removeFolder()
            }
        }

        @Test func `an immutable folder with something in it keeps its flag when it cannot be removed`() throws {
            try Sandbox.run { sandbox in
                let target = try sandbox.root.target("a")
                #expect(mkdir(target.path.string, 0o755) == 0)
                let file = target.path.appending("file").string
                #expect(close(creat(file, 0o644)) == 0)
                try setImmutable(target.path, true)
                #expect(throws: SystemCallError.self) { try target.removeFolder() }
                #expect(refusal(unlink(file)) == .notPermitted)
                try setImmutable(target.path, false)
                #expect(unlink(file) == 0)
                try target.removeFolder()
            }
        }

        @Test func `a filesystem without the flag is used all the same`() throws {
            try HostFolder.alone { folder in
                let path = folder.appending("root")
                #expect(mkdir(path.string, 0o755) == 0)
                // ramfs has no inode flags.
                var context = try FilesystemContext(type: "ramfs")
                try context.create()
                let mount = try context.mount(attributes: [])
                _ = consume context
                #expect(
                    hf_move_mount(
                        mount.descriptorNumber, "", -100, path.string, UInt32(HF_MOVE_MOUNT_F_EMPTY_PATH)) == 0)
                _ = consume mount
                let root = try ManagedRoot.prepare(at: path)
                let target = try root.target("a")
                #expect(try target.prepareFolder() == FolderPreparation(created: true, isImmutable: false))
                try target.removeFolder()
                try root.release()
                try Sandbox.unmountForeign(at: path)
            }
        }

        @Test(arguments: 0..<3)
        func `a symbolic link in any component of a target is refused`(position: Int) throws {
            try Sandbox.run { sandbox in
                let outside = sandbox.folder.appending("outside")
                for name in ["", "b", "b/c", "c"] {
                    _ = mkdir(outside.appending(FilePath(name).components).string, 0o755)
                }
                var path = sandbox.root.path
                for (index, name) in ["a", "b", "c"].enumerated() {
                    path.append(name)
                    if index == position {
                        #expect(symlink(outside.string, path.string) == 0)
                        break
                    }
                    #expect(mkdir(path.string, 0o755) == 0)
                }
                let target = try sandbox.root.target("a/b/c")
                let refused: [Errno] = [.tooManySymbolicLinkLevels, .notDirectory]
                func expectRefusal(_ operation: () throws -> Void) {
                    do {
                        try operation()
                        Issue.record("went through a link")
                    } catch {
                        #expect(refused.contains((error as? SystemCallError)?.errno ?? .noData), "\(error)")
                    }
                }
                expectRefusal { _ = try target.prepareFolder() }
                expectRefusal { _ = try target.place(try Sandbox.tmpfs(), parking: sandbox.parking) }
                expectRefusal { try target.removeFolder() }
                #expect(try MountTable.current.entries(beneath: outside) == [])
                #expect(access(outside.appending("b/c").string, F_OK) == 0)
                #expect(unlink(path.string) == 0)
            }
        }

        @Test(arguments: ["", "/a", "..", "a/../b", ".", "a/.", "a/.."])
        func `only a path of names is a target`(path: String) throws {
            try Sandbox.run { sandbox in
                #expect(throws: SystemCallError.self) { try sandbox.root.target(FilePath(path)) }
            }
        }
    }
}

/// What a refused preparation must not have changed; the time of the last change tells what was put back, too.
private struct FolderState: Equatable {
    var mode: mode_t
    var owner: uid_t
    var group: gid_t
    var changed: [Int]
    var flags: UInt32 = 0

    init(of path: FilePath) throws {
        var facts = stat()
        try #require(stat(path.string, &facts) == 0)
        mode = facts.st_mode
        owner = facts.st_uid
        group = facts.st_gid
        changed = [facts.st_ctim.tv_sec, facts.st_ctim.tv_nsec]
        let folder = OwnedDescriptor(owning: open(path.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        try SystemCallError.check(hf_get_inode_flags(folder.rawValue, &flags), "ioctl")
    }
}

private func setImmutable(_ path: FilePath, _ isImmutable: Bool) throws {
    let folder = OwnedDescriptor(owning: open(path.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
    var flags: UInt32 = 0
    try SystemCallError.check(hf_get_inode_flags(folder.rawValue, &flags), "ioctl")
    let bit = UInt32(HF_FS_IMMUTABLE_FL)
    try SystemCallError.check(
        hf_set_inode_flags(folder.rawValue, isImmutable ? flags | bit : flags & ~bit), "ioctl")
}
