// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import SystemPackage
import Testing

@testable import LinuxMount

extension RealKernel {
    /// What a killed process leaves between two steps of an unmount, and how the next one goes on.
    @Suite struct ParkingTests {
        @Test func `a parked mount keeps its users and its id, and the place is free`() throws {
            try Sandbox.run { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                let file = creat(target.path.appending("file").string, 0o644)
                #expect(try target.park(id, in: sandbox.parking) == .parked)
                #expect(write(file, "x", 1) == 1)
                #expect(try target.topmost() == .folder)
                #expect(try sandbox.parking.slots() == [id])
                let newID = try sandbox.placeTmpfs(at: target)
                #expect(try sandbox.parking.finish(id) == .busy)
                #expect(try sandbox.parking.moveBack(id, to: target) == .occupied(by: newID))
                #expect(try target.unmountExactly(id, parking: sandbox.parking) == .parked)
                close(file)
                #expect(try sandbox.parking.finish(id) == .unmounted)
                #expect(try sandbox.parking.finish(id) == .absent)
                #expect(try target.topmost() == .mount(newID))
                try sandbox.end(target, newID)
            }
        }

        @Test func `killed after parking: the next process finds the mount in its slot and ends it`() throws {
            try Sandbox.run { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                #expect(try target.park(id, in: sandbox.parking) == .parked)
                let lot = try ParkingLot.prepare(at: sandbox.parking.path)
                let root = try ManagedRoot.prepare(at: sandbox.root.path)
                let again = try root.target("a")
                #expect(try lot.slots() == [id])
                #expect(
                    try again.observe(expecting: id, parking: lot) == Observation(top: .folder, ours: .parked))
                #expect(try again.park(id, in: lot) == .parked)
                #expect(try again.unmountExactly(id, parking: lot) == .unmounted)
                #expect(try again.observe(expecting: id, parking: lot).summary == .empty)
                try again.removeFolder()
            }
        }

        @Test func `a lot that others have unmounted is made anew, by its maker alone`() throws {
            try Sandbox.run { sandbox in
                let follower = try ParkingLot.open(at: sandbox.parking.path)
                #expect(try !sandbox.parking.keepAttached())
                let old = sandbox.parking.id
                #expect(umount2(sandbox.parking.path.string, Int32(MNT_DETACH)) == 0)
                #expect(throws: SystemCallError.self) { try follower.keepAttached() }
                #expect(try sandbox.parking.keepAttached())
                #expect(sandbox.parking.id != old)
                #expect(try sandbox.table.entry(sandbox.parking.id)?.propagation == .private)
                #expect(try follower.keepAttached())
                #expect(follower.id == sandbox.parking.id)
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                #expect(try target.unmountExactly(id, parking: follower) == .unmounted)
                #expect(try sandbox.parking.slotFolders() == [])
                try target.removeFolder()
            }
        }

        @Test func `killed after parking: the next process can put the mount back`() throws {
            try Sandbox.run { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                #expect(close(creat(target.path.appending("file").string, 0o644)) == 0)
                #expect(try target.park(id, in: sandbox.parking) == .parked)
                #expect(try sandbox.parking.moveBack(id, to: target) == .movedBack)
                #expect(try target.observe(expecting: id, parking: sandbox.parking).summary == .ours)
                #expect(access(target.path.appending("file").string, F_OK) == 0)
                #expect(try sandbox.parking.moveBack(id, to: target) == .absent)
                #expect(try sandbox.parking.slotFolders() == [])
                try sandbox.end(target, id)
            }
        }

        @Test func `killed before the move or after the unmount: the empty slot is swept`() throws {
            try Sandbox.run { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                #expect(mkdir(sandbox.parking.path.appending(id.description).string, 0) == 0)
                #expect(try target.observe(expecting: id, parking: sandbox.parking).summary == .ours)
                let lot = try ParkingLot.prepare(at: sandbox.parking.path)
                #expect(try lot.slotFolders() == [])
                #expect(mkdir(sandbox.parking.path.appending(id.description).string, 0) == 0)
                #expect(try target.unmountExactly(id, parking: lot) == .unmounted)
                #expect(try lot.slotFolders() == [])
                try target.removeFolder()
            }
        }

        @Test func `theirs that was carried along goes back to where they put it, ours ends`() throws {
            try Sandbox.run { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                let theirs = try carryAlong(target, id, sandbox)
                #expect(try target.unmountExactly(id, parking: sandbox.parking) == .foreign(theirs))
                #expect(try target.topmost() == .mount(theirs))
                #expect(try sandbox.table.entry(theirs)?.parentID == sandbox.root.id)
                #expect(try sandbox.table.entry(id) == nil)
                #expect(try sandbox.parking.slotFolders() == [])
                try Sandbox.unmountForeign(at: target.path)
                try target.removeFolder()
            }
        }

        @Test func `killed with theirs in the slot: it is seen, not unmounted, and put back by the next process`()
            throws
        {
            try Sandbox.run { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                let theirs = try carryAlong(target, id, sandbox)
                let lot = try ParkingLot.prepare(at: sandbox.parking.path)
                #expect(try target.observe(expecting: id, parking: lot).summary == .parked)
                #expect(try !lot.contains(id))
                #expect(try lot.finish(id) == .covered(by: theirs))
                #expect(try lot.finish(id, force: .detach) == .covered(by: theirs))
                #expect(throws: SystemCallError.self) { try lot.release() }
                #expect(try target.unmountExactly(id, parking: lot) == .foreign(theirs))
                #expect(try target.topmost() == .mount(theirs))
                try Sandbox.unmountForeign(at: target.path)
                try target.removeFolder()
            }
        }

        @Test(arguments: 1...3)
        func `killed with theirs in the slot: moving back puts ours beneath and theirs over it in their order`(
            count: Int
        ) throws {
            try Sandbox.run { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                let theirs = try carryAlong(target, id, sandbox, count: count)
                let lot = try ParkingLot.prepare(at: sandbox.parking.path)
                #expect(try target.observe(expecting: id, parking: lot).summary == .parked)
                #expect(try lot.moveBack(id, to: target) == .movedBack)
                #expect(try stack(at: target) == [id] + theirs)
                #expect(try target.observe(expecting: id, parking: lot).summary == .covered)
                #expect(try lot.slotFolders() == [])
                for _ in theirs { try Sandbox.unmountForeign(at: target.path) }
                #expect(try target.observe(expecting: id, parking: lot).summary == .ours)
                try sandbox.end(target, id)
            }
        }

        @Test(arguments: 0...4, [true, false])
        func `killed between any two steps of putting theirs back, the next call goes on`(
            steps: Int, movesBack: Bool
        ) throws {
            try Sandbox.run { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                let theirs = try carryAlong(target, id, sandbox, count: 2)
                try putBackByHand(target, id, theirs, sandbox.parking, steps: steps)
                let lot = try ParkingLot.prepare(at: sandbox.parking.path)
                #expect(try target.observe(expecting: id, parking: lot).summary == .parked)
                #expect(try lot.slots() == [id])
                guard case .covered = try lot.finish(id) else {
                    Issue.record("ended before theirs were back")
                    return
                }
                if movesBack {
                    _ = try lot.moveBack(id, to: target)
                    #expect(try stack(at: target) == [id] + theirs)
                    #expect(try target.observe(expecting: id, parking: lot).summary == .covered)
                } else {
                    #expect(try target.unmountExactly(id, parking: lot) == .foreign(theirs[1]))
                    // Ours ends in its slot, unless it was at the place again already.
                    #expect(try stack(at: target) == (steps < 3 ? theirs : [id] + theirs))
                }
                #expect(try lot.slotFolders() == [])
                for _ in theirs { try Sandbox.unmountForeign(at: target.path) }
                _ = try target.unmountExactly(id, parking: lot)
                #expect(try target.observe(expecting: id, parking: lot).summary == .empty)
                try target.removeFolder()
            }
        }

        @Test func `what is covered while it is moved is looked at again`() throws {
            try Sandbox.run { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                let lot = sandbox.parking
                #expect(try target.park(id, in: lot) == .parked)
                let slot = lot.name(ofSlot: id)
                let theirs = try Sandbox.mountForeign(at: lot.path.appending(slot.components))
                let parent = try target.requireParent()
                #expect(try lot.move(id, from: slot, to: parent, target.name, as: .moveBack, on: "") == false)
                #expect(try lot.top(ofSlot: id) == theirs)
                #expect(try lot.moveBack(id, to: target) == .movedBack)
                #expect(try target.topmost() == .mount(theirs))
                try Sandbox.unmountForeign(at: target.path)
                try sandbox.end(target, id)
            }
        }

        /// The steps of `moveBack` with two of theirs on ours: lift, lift, ours back, one of theirs back.
        private func putBackByHand(
            _ target: TargetPath, _ id: KernelMountID, _ theirs: [KernelMountID], _ lot: ParkingLot, steps: Int
        ) throws {
            let (slot, lifted) = (lot.name(ofSlot: id), lot.name(ofLifted: id))
            if steps > 0 { try #require(mkdir(lot.path.appending(lifted.components).string, 0) == 0) }
            if steps > 0 { #expect(try lot.move(theirs[1], from: slot, to: lot.held.root, lifted, as: .lift, on: "")) }
            if steps > 1 { #expect(try lot.move(theirs[0], from: slot, to: lot.held.root, lifted, as: .lift, on: "")) }
            if steps > 2 {
                #expect(try lot.move(id, from: slot, to: target.requireParent(), target.name, as: .lift, on: ""))
            }
            if steps > 3 {
                #expect(
                    try lot.move(theirs[0], from: lifted, to: target.requireParent(), target.name, as: .lower, on: ""))
            }
        }

        @Test(arguments: 1...3)
        func `several of theirs that were carried along go back in their order, ours ends`(count: Int) throws {
            try Sandbox.run { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                let theirs = try carryAlong(target, id, sandbox, count: count)
                let last = try #require(theirs.last)
                #expect(try target.unmountExactly(id, parking: sandbox.parking) == .foreign(last))
                #expect(try stack(at: target) == theirs)
                #expect(try sandbox.table.entry(id) == nil)
                #expect(try sandbox.parking.slotFolders() == [])
                for _ in theirs { try Sandbox.unmountForeign(at: target.path) }
                try target.removeFolder()
            }
        }

        @Test(arguments: [true, false])
        func `theirs that could not go back when they should have go back at the next try`(unmounts: Bool) throws {
            try Sandbox.run { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a/b")
                let theirs = try carryAlong(target, id, sandbox, count: 2)
                let last = try #require(theirs.last)
                let way = sandbox.root.path.appending("a")
                try Sandbox.mountForeign(at: way)
                #expect(throws: SystemCallError.self) { try target.unmountExactly(id, parking: sandbox.parking) }
                #expect(throws: SystemCallError.self) { try target.park(id, in: sandbox.parking) }
                #expect(try target.observe(expecting: id, parking: sandbox.parking).summary == .parked)
                #expect(try sandbox.parking.slots() == [id])
                // None of theirs is hidden by an end of ours.
                guard case .covered = try sandbox.parking.finish(id) else {
                    Issue.record("ended beneath theirs")
                    return
                }
                try Sandbox.unmountForeign(at: way)
                if unmounts {
                    #expect(try target.unmountExactly(id, parking: sandbox.parking) == .foreign(last))
                    #expect(try stack(at: target) == theirs)
                } else {
                    #expect(try target.park(id, in: sandbox.parking) == .foreign(last))
                    #expect(try stack(at: target) == theirs)
                    #expect(try sandbox.parking.finish(id) == .unmounted)
                }
                for _ in theirs { try Sandbox.unmountForeign(at: target.path) }
                try target.removeFolder()
            }
        }

        @Test func `where the place is taken, ours stays in its slot and theirs go back all the same`() throws {
            try Sandbox.run { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                let theirs = try carryAlong(target, id, sandbox, count: 2)
                let other = try Sandbox.mountForeign(at: target.path)
                #expect(try sandbox.parking.moveBack(id, to: target) == .occupied(by: other))
                #expect(try stack(at: target) == [other] + theirs)
                #expect(try sandbox.parking.contains(id))
                for _ in 0...theirs.count { try Sandbox.unmountForeign(at: target.path) }
                #expect(try sandbox.parking.moveBack(id, to: target) == .movedBack)
                try sandbox.end(target, id)
            }
        }

        private func carryAlong(
            _ target: TargetPath, _ id: KernelMountID, _ sandbox: Sandbox
        ) throws -> KernelMountID {
            try #require(try carryAlong(target, id, sandbox, count: 1).first)
        }

        /// Steps 3 and 4 with foreign mounts in the moment between the look and the move; theirs, the lowest first.
        private func carryAlong(
            _ target: TargetPath, _ id: KernelMountID, _ sandbox: Sandbox, count: Int
        ) throws -> [KernelMountID] {
            let seen = try OwnedDescriptor.openPlace(target.path, at: -1, .anywhere, on: target.path)
            #expect(try sandbox.table.mountID(of: seen) == id)
            let theirs = try (0..<count).map { _ in try Sandbox.mountForeign(at: target.path) }
            #expect(try sandbox.parking.take(seen, id))
            #expect(try sandbox.table.entry(theirs[0])?.parentID == id)
            #expect(try target.topmost() == .folder)
            return theirs
        }

        private func stack(at target: TargetPath) throws -> [KernelMountID] {
            try target.table.entries(at: target.path).map(\.id)
        }

        @Test func `by policy a busy mount can be left in its slot or detached there`() throws {
            try Sandbox.run { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                let file = creat(target.path.appending("file").string, 0o644)
                #expect(try target.park(id, in: sandbox.parking) == .parked)
                #expect(
                    try target.unmountExactly(id, parking: sandbox.parking, whenBusyInSlot: .leaveParked) == .parked)
                #expect(try target.unmountExactly(id, parking: sandbox.parking, whenBusyInSlot: .moveBack) == .busy)
                #expect(try target.topmost() == .mount(id))
                #expect(try target.park(id, in: sandbox.parking) == .parked)
                // tmpfs aborts nothing, and the user still holds it.
                #expect(try sandbox.parking.finish(id, force: .abortRequests) == .busy)
                #expect(try sandbox.parking.finish(id, force: .detach) == .unmounted)
                #expect(write(file, "x", 1) == 1)
                close(file)
                #expect(try sandbox.table.entry(id) == nil)
                try target.removeFolder()
            }
        }

        @Test func `a parking lot with something in it is not released`() throws {
            try Sandbox.run { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                #expect(try target.park(id, in: sandbox.parking) == .parked)
                #expect(throws: SystemCallError.self) { try sandbox.parking.release() }
                #expect(try sandbox.parking.finish(id) == .unmounted)
                try target.removeFolder()
            }
        }
    }
}
