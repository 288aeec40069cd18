// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import LinuxMount
import MountTestSupport
import Testing

extension RealDaemon {
    /// SIGKILL right after a placement that went onto somebody else's mount: he was faster by one system call.
    @Suite struct StackedCrashes {
        @Test func withNobodyAttachedOursGoesAndTheirsStays() throws {
            try TestHost.run { host in
                let path = host.mountRoot + "/data"
                try host.stopDaemon()
                try host.startStacking(at: path, passage: 1)
                #expect(throws: Problem.self) { try host.attach("vm-1", to: "data", type: "tmpfs", at: "data") }
                let (theirs, _) = try host.stackAfterKill(at: path)
                try host.startDaemon()
                try host.waitUntil("only theirs is left") {
                    try host.client.mounts().mounts.allSatisfy { $0.mount.state == "unrecorded" }
                }
                #expect(try host.kernelIDs(at: path) == [theirs])
                try #require(umount2(path, Int32(UMOUNT_NOFOLLOW)) == 0)
                try host.waitUntil("the folder is gone") { !FileManager.default.fileExists(atPath: path) }
            }
        }

        @Test func withSomebodyAttachedOursServesHimAndTheirsStays() throws {
            try TestHost.run { host in
                let path = host.mountRoot + "/data"
                try host.stopDaemon()
                // The second placement is that of a mount that was lost.
                try host.startStacking(at: path, passage: 2)
                try host.attach("vm-1", to: "data", type: "tmpfs", at: "data")
                try #require(umount2(path, Int32(UMOUNT_NOFOLLOW)) == 0)
                let (theirs, ours) = try host.stackAfterKill(at: path)
                try host.startDaemon()
                try host.waitUntil("it is recovered") { try host.state() != "recovering" }
                #expect(try host.state() == "mounted")
                #expect(try host.kernelIDs(at: path) == [theirs, ours])
                try host.attach("vm-2", to: "data", type: "tmpfs", at: "data")
                for consumer in ["vm-1", "vm-2"] {
                    #expect(
                        try host.client.detach(DetachSelector(source: "data", consumer: consumer, at: path)).detached)
                }
                #expect(try host.state() == "unrecorded")
                #expect(try host.kernelIDs(at: path) == [theirs])
                try #require(umount2(path, Int32(UMOUNT_NOFOLLOW)) == 0)
                try host.waitUntil("the folder is gone") { !FileManager.default.fileExists(atPath: path) }
            }
        }
    }
}

extension TestHost {
    /// Starts a daemon that stops before the n-th placement, when somebody mounts on the folder, and is killed after
    /// it.
    fileprivate func startStacking(at path: String, passage: Int) throws {
        let point = "place.move_mount"
        try startDaemon(
            environment: ["HOLDFAST_FAILPOINT": "\(point).before:\(passage)=stop,\(point).after:\(passage)"],
            onStop: { #expect(mount("foreign", path, "tmpfs", 0, nil) == 0) })
    }

    /// Theirs and ours, which lies on it, when the daemon is dead.
    fileprivate func stackAfterKill(at path: String) throws -> (theirs: UInt64, ours: UInt64) {
        #expect(daemon?.waitForEnd() == SIGKILL)
        let stack = try mounts(at: path)
        try #require(stack.count == 2)
        try #require(stack[0].source?.description == "foreign" && stack[1].parentID == stack[0].id)
        let ids = try kernelIDs(at: path)
        return (ids[0], ids[1])
    }
}
