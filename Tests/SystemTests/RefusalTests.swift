// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import SystemPackage
import Testing

extension RealDaemon {
    /// What is refused or fails: the error says why, nothing is left, and the next attempt works.
    @Suite struct Refusals {
        @Test func attachingTwiceIsOneAttachmentAndDetachingNothingChangesNothing() throws {
            try TestHost.run { (host) throws in
                #expect(try host.attach("vm-1", to: "data", type: "tmpfs").created)
                #expect(try host.attach("vm-1", to: "data", type: "tmpfs").created == false)
                #expect(try host.detach("vm-2", from: "data").detached == false)
                #expect(try host.detach("vm-1", from: "other").detached == false)
                #expect(try host.client.detach(id: "a-000000000000000000000000").detached == false)
                #expect(try host.managedMounts().count == 1)
                #expect(try host.detach("vm-1", from: "data").mountState == "absent")
            }
        }

        @Test func otherOptionsOrAnotherSourceConflictAndNameTheHolder() throws {
            try TestHost.run { host in
                try host.attach("vm-1", to: "data", type: "tmpfs", at: "point")
                for (source, options) in [("other", []), ("data", ["size=1m"])] {
                    let problem = try host.attachProblem(
                        "vm-2", to: source, type: "tmpfs", options: options, at: "point")
                    #expect(problem?.code == "conflict")
                    #expect(problem?.detail.contains("vm-1") == true)
                }
                // Without a mountpoint the same source meets itself, and other options conflict too.
                try host.attach("vm-1", to: "again", type: "tmpfs")
                #expect(try host.attachProblem("vm-2", to: "again", type: "tmpfs", options: ["ro"])?.code == "conflict")
                try host.detach("vm-1", from: "data")
                try host.detach("vm-1", from: "again")
            }
        }

        @Test func aCorruptImageFailsInTheKernelsWordsAndLeavesNothing() throws {
            try TestHost.run { host in
                let image = host.folder + "/broken.img"
                try host.run("/usr/bin/truncate", ["-s", "16M", image])
                let problem = try host.attachProblem("vm-1", to: image, type: "ext4")
                #expect(problem?.code == "mount_failed")
                #expect(problem?.kernelMessages?.contains { $0.contains("ext4") || $0.contains("EXT4") } == true)
                #expect(host.loopDevices() == [])
                #expect(try host.client.mounts().mounts.isEmpty)
                try host.run("/usr/sbin/mkfs.ext4", ["-q", image])
                #expect(try host.attach("vm-1", to: image, type: "ext4").created)
                try host.detach("vm-1", from: image)
            }
        }

        @Test func aMissingDeviceAndAnUnknownOptionSaySo() throws {
            try TestHost.run { host in
                let missing = try host.attachProblem("vm-1", to: host.folder + "/none.img", type: "ext4")
                #expect(missing?.code == "mount_failed")
                #expect(missing?.detail.contains("No such file") == true)
                let option = try host.attachProblem("vm-1", to: "data", type: "tmpfs", options: ["sise=1m"])
                #expect(option?.code == "invalid_argument")
                let text = [option?.detail, option?.hint].compactMap(\.self).joined(separator: " ")
                #expect(text.contains("sise"))
                #expect(text.contains("size"))
                #expect(try host.client.mounts().mounts.isEmpty)
            }
        }

        @Test func oneImageIsNeverOnTwoLoopDevices() throws {
            try TestHost.run { host in
                let image = try host.image("disk.img")
                let link = host.folder + "/link.img"
                try FileManager.default.linkItem(atPath: image, toPath: link)
                try host.attach("vm-1", to: image)
                #expect(try host.attachProblem("vm-2", to: image, at: "elsewhere")?.code == "conflict")
                let problem = try host.attachProblem("vm-2", to: link)
                #expect(problem?.errno == EBUSY)
                #expect(host.loopDevices().count == 1)
                try host.detach("vm-1", from: image)
            }
        }

        @Test func aSymbolicLinkInAnyComponentOfTheMountpointIsRefused() throws {
            try TestHost.run { host in
                try FileManager.default.createDirectory(
                    atPath: host.folder + "/outside/inner", withIntermediateDirectories: true)
                let links = ["link", "a/link", "a/b/link"]
                for link in links {
                    let path = host.mountRoot + "/" + link
                    try FileManager.default.createDirectory(
                        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
                    try FileManager.default.createSymbolicLink(
                        atPath: path, withDestinationPath: host.folder + "/outside")
                }
                for point in links + links.map({ $0 + "/inner" }) + links.map({ $0 + "/new/deep" }) {
                    let problem = try host.attachProblem("vm-1", to: "data", type: "tmpfs", at: point)
                    #expect(problem?.code == "invalid_argument", "\(point): \(problem?.detail ?? "attached")")
                }
                #expect(try host.managedMounts().isEmpty)
                #expect(try host.client.mounts().mounts.isEmpty)
                #expect(try FileManager.default.contentsOfDirectory(atPath: host.folder + "/outside") == ["inner"])
                for link in links { unlink(host.mountRoot + "/" + link) }
                rmdir(host.mountRoot + "/a/b")
                rmdir(host.mountRoot + "/a")
            }
        }

        @Test func aFolderWithSomethingInItIsNotMountedOver() throws {
            try TestHost.run { host in
                let folder = host.mountRoot + "/full"
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                try "precious".write(toFile: folder + "/file", atomically: false, encoding: .utf8)
                let problem = try host.attachProblem("vm-1", to: "data", type: "tmpfs", at: "full")
                #expect(problem?.code == "conflict")
                #expect(try String(contentsOfFile: folder + "/file", encoding: .utf8) == "precious")
                #expect(try host.client.mounts().mounts.isEmpty)
                unlink(folder + "/file")
                rmdir(folder)
            }
        }
    }
}
