// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import SystemPackage
import Testing

@testable import LinuxMount

extension RealKernel {
    @Suite struct UnmountTests {
        @Test(arguments: Sandbox.tables)
        func `a mount that nobody uses is unmounted, and a second time it is absent`(table: MountTable) throws {
            try Sandbox.run(table: table) { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a/b")
                #expect(
                    try target.observe(expecting: id, parking: sandbox.parking)
                        == Observation(top: .mount(id), ours: .onTop))
                #expect(try target.unmountExactly(id, parking: sandbox.parking) == .unmounted)
                #expect(
                    try target.observe(expecting: id, parking: sandbox.parking)
                        == Observation(top: .folder, ours: .absent))
                #expect(try target.unmountExactly(id, parking: sandbox.parking) == .absent)
                try target.removeFolder()
                #expect(try target.unmountExactly(id, parking: sandbox.parking) == .absent)
                #expect(try target.observe(expecting: nil, parking: sandbox.parking).summary == .empty)
            }
        }

        @Test func `a mount in use is busy and has not moved`() throws {
            try Sandbox.run { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                let file = creat(target.path.appending("file").string, 0o644)
                #expect(try target.unmountExactly(id, parking: sandbox.parking) == .busy)
                #expect(try target.topmost() == .mount(id))
                #expect(try sandbox.parking.slots() == [])
                close(file)
                try sandbox.end(target, id)
            }
        }

        @Test func `a mount with another mounted inside is busy`() throws {
            try Sandbox.run { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                let inner = target.path.appending("inner")
                #expect(mkdir(inner.string, 0o755) == 0)
                try Sandbox.mountForeign(at: inner)
                #expect(try target.unmountExactly(id, parking: sandbox.parking) == .busy)
                #expect(try target.observe(expecting: id, parking: sandbox.parking).summary == .ours)
                try Sandbox.unmountForeign(at: inner)
                try sandbox.end(target, id)
            }
        }

        @Test(arguments: Sandbox.tables)
        func `what others mounted there is theirs, over ours or alone`(table: MountTable) throws {
            try Sandbox.run(table: table) { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                try Sandbox.mountForeign(at: target.path)
                let theirs = try #require(try table.descendants(of: id).first)
                #expect(
                    try target.observe(expecting: id, parking: sandbox.parking)
                        == Observation(top: .mount(theirs), ours: .beneath))
                #expect(try target.unmountExactly(id, parking: sandbox.parking) == .foreign(theirs))
                #expect(try target.park(id, in: sandbox.parking) == .foreign(theirs))
                #expect(try target.place(try Sandbox.tmpfs(), parking: sandbox.parking) == .foreign(theirs))
                #expect(try table.entries(at: target.path).map(\.id) == [id, theirs])
                try Sandbox.unmountForeign(at: target.path)
                #expect(try target.unmountExactly(id, parking: sandbox.parking) == .unmounted)
                try Sandbox.mountForeign(at: target.path)
                // An id of mountinfo may be theirs by now: it is given again at once.
                if table.method == .statmount {
                    #expect(try target.observe(expecting: id, parking: sandbox.parking).summary == .foreign)
                }
                #expect(try target.observe(expecting: nil, parking: sandbox.parking).summary == .foreign)
                try Sandbox.unmountForeign(at: target.path)
                try target.removeFolder()
            }
        }

        @Test(arguments: Sandbox.tables)
        func `ours that others moved away is seen elsewhere and not touched`(table: MountTable) throws {
            try Sandbox.run(table: table) { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                let away = sandbox.folder.appending("away")
                #expect(mkdir(away.string, 0o755) == 0)
                #expect(hf_move_mount(-100, target.path.string, -100, away.string, 0) == 0)
                let seen = try target.observe(expecting: id, parking: sandbox.parking)
                #expect(seen == Observation(top: .folder, ours: .elsewhere(away)))
                #expect(seen.summary == .moved)
                #expect(try target.unmountExactly(id, parking: sandbox.parking) == .absent)
                #expect(try table.entry(id)?.mountpoint == away)
                try Sandbox.unmountForeign(at: away)
                try target.removeFolder()
            }
        }

        @Test(arguments: Sandbox.tables)
        func `a mount over a folder on the way hides ours, and nothing beneath it is touched`(table: MountTable) throws
        {
            try Sandbox.run(table: table) { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a/b/c")
                let way = sandbox.root.path.appending("a")
                try Sandbox.mountForeign(at: way)
                let theirs = try #require(try table.entries(at: way).first).id
                #expect(
                    try target.observe(expecting: id, parking: sandbox.parking)
                        == Observation(top: .mount(theirs), ours: .beneath))
                #expect(try target.unmountExactly(id, parking: sandbox.parking) == .foreign(theirs))
                #expect(throws: SystemCallError.self) { try target.prepareFolder() }
                #expect(throws: SystemCallError.self) { try target.removeFolder() }
                #expect(throws: SystemCallError.self) {
                    try target.place(try Sandbox.tmpfs(), parking: sandbox.parking)
                }
                #expect(try table.entries(beneath: way).map(\.id) == [id])
                try Sandbox.unmountForeign(at: way)
                try sandbox.end(target, id)
            }
        }

        @Test func `beneath a parent that became shared, where nothing can be moved, it is unmounted all the same`()
            throws
        {
            try Sandbox.run { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                let root = sandbox.root.path.string
                #expect(hf_mount_setattr(-100, root, 0, 0, 0, UInt64(HF_MS_SHARED)) == 0)
                #expect(try target.park(id, in: sandbox.parking) == .unparkable)
                let file = creat(target.path.appending("file").string, 0o644)
                #expect(try target.unmountExactly(id, parking: sandbox.parking) == .busy)
                close(file)
                #expect(try sandbox.parking.slotFolders() == [])
                #expect(try target.unmountExactly(id, parking: sandbox.parking) == .unmounted)
                #expect(try sandbox.table.entry(id) == nil)
                try target.removeFolder()
                #expect(hf_mount_setattr(-100, root, 0, 0, 0, UInt64(HF_MS_PRIVATE)) == 0)
            }
        }

        @Test func `a bind of a folder that was removed, which cannot be moved either, is unmounted`() throws {
            try Sandbox.run { sandbox in
                let folder = sandbox.folder.appending("source").string
                try #require(mkdir(folder, 0o755) == 0)
                let target = try sandbox.root.target("a")
                _ = try target.prepareFolder()
                let mount = try DetachedMount(cloning: FilePath(folder))
                let id = mount.id
                try #require(try target.place(mount, parking: sandbox.parking) == .placed)
                try #require(rmdir(folder) == 0)
                let file = open(target.path.string, O_RDONLY | O_DIRECTORY)
                #expect(try target.unmountExactly(id, parking: sandbox.parking) == .busy)
                close(file)
                #expect(try target.unmountExactly(id, parking: sandbox.parking) == .unmounted)
                #expect(try sandbox.parking.slotFolders() == [])
                try target.removeFolder()
            }
        }

        private func settle(
            _ id: KernelMountID, at target: TargetPath, _ parking: ParkingLot
        ) throws(SystemCallError) -> PlaceOutcome {
            try target.settle(attached: id) { () throws(SystemCallError) in
                try target.unmountExactly(id, parking: parking)
            }
        }

        @Test func `a mount that went onto theirs is taken away again`() throws {
            try Sandbox.run { sandbox in
                let target = try sandbox.root.target("a")
                _ = try target.prepareFolder()
                // As if theirs had come between the look at the folder and the move.
                let theirs = try Sandbox.mountForeign(at: target.path)
                let ours = try Sandbox.mountForeign(at: target.path)
                #expect(try target.topmost() == .mount(ours))
                #expect(try settle(ours, at: target, sandbox.parking) == .foreign(theirs))
                #expect(try sandbox.table.entry(ours) == nil)
                #expect(try target.topmost() == .mount(theirs))
                try Sandbox.unmountForeign(at: target.path)
                #expect(throws: SystemCallError.self) { try settle(ours, at: target, sandbox.parking) }
                try target.removeFolder()
            }
        }

        @Test func `a mount that was attached and cannot be taken away again is not reported as a failed attach`()
            throws
        {
            try Sandbox.run { sandbox in
                let target = try sandbox.root.target("a")
                _ = try target.prepareFolder()
                try Sandbox.mountForeign(at: target.path)
                let ours = try Sandbox.mountForeign(at: target.path)
                // A parking lot that refuses everything.
                let gone = try ParkingLot.prepare(at: sandbox.folder.appending("gone"))
                try gone.release()
                guard case .unverified(let error) = try settle(ours, at: target, gone) else {
                    Issue.record("the undoing cannot have worked")
                    return
                }
                #expect(error.errno == .notDirectory)
                #expect(try target.observe(expecting: ours, parking: sandbox.parking).summary == .ours)
                for _ in 0..<2 { try Sandbox.unmountForeign(at: target.path) }
                try target.removeFolder()
            }
        }

        @Test func `while others mount over ours in a loop, no mount of theirs is ever unmounted`() throws {
            try Sandbox.run { sandbox in
                let target = try sandbox.root.target("a")
                _ = try target.prepareFolder()
                let path = target.path
                let isOver = Flag()
                let killed = Counter()
                let met = Counter()
                let other = Background {
                    while !isOver.isSet {
                        let id = try Sandbox.mountForeign(at: path)
                        // Until now only ours has unmounted anything: theirs must be somewhere.
                        for _ in 0..<4 where try MountTable.current.entry(id) == nil { killed.increment() }
                        try endForeign(id, at: path)
                    }
                }
                for _ in 0..<4000 {
                    let mount = try Sandbox.tmpfs()
                    let id = mount.id
                    do throws(SystemCallError) {
                        _ = try target.place(mount, parking: sandbox.parking)
                    } catch {
                        #expect(error.errno == .noSuchFileOrDirectory)
                    }
                    if case .foreign = try target.unmountExactly(id, parking: sandbox.parking) { met.increment() }
                    try endOurs(id, at: target, sandbox.parking)
                }
                isOver.set()
                try other.wait()
                #expect(killed.value == 0)
                #expect(met.value > 0, "the two threads never met")
                #expect(try sandbox.parking.slots() == [])
                try target.removeFolder()
            }
        }
    }
}

/// Ends a foreign mount as its owner would, who knows no better than to look and unmount by path.
private func endForeign(_ id: KernelMountID, at path: FilePath) throws {
    for _ in 0..<100_000 {
        guard let entry = try MountTable.current.entry(id) else { return }
        // It may be on its way through our slot, or beneath a mount of ours.
        guard entry.mountpoint == path, try MountTable.current.descendants(of: id).isEmpty else { continue }
        _ = hf_umount(path.string, HF_UMOUNT_NOFOLLOW)
    }
    Issue.record("their mount \(id) could not be ended")
}

/// Repeats until ours is gone: it may be covered by theirs.
private func endOurs(_ id: KernelMountID, at target: TargetPath, _ parking: ParkingLot) throws {
    for _ in 0..<100_000 {
        guard try MountTable.current.entry(id) != nil else { return }
        _ = try target.unmountExactly(id, parking: parking)
    }
    Issue.record("our mount \(id) could not be ended")
}
