// SPDX-License-Identifier: Apache-2.0

import Foundation
import HoldfastAPI
import LinuxMount
import MountTestSupport
import SystemPackage
import Testing

extension RealDaemon {
    /// The main job, with every type of filesystem that this kernel can mount.
    @Suite struct Mounting {
        @Test func twoConsumersShareOneKernelMountAndNothingIsLeftAfterTheSecond() throws {
            try TestHost.run { host in
                let image = try host.image("disk.img")
                // What the daemon opens once and keeps is open after the first round.
                try host.attach("vm-0", to: image)
                try host.detach("vm-0", from: image)
                let descriptors = try host.settledDescriptors()
                let first = try host.attach("vm-1", to: image)
                let second = try host.attach("vm-2", to: image)
                #expect(first.path == second.path)
                #expect(first.created && second.created)
                #expect(try host.managedMounts().count == 1)
                #expect(host.loopDevices().count == 1)
                #expect(try host.detach("vm-1", from: image).mountState == "mounted")
                let last = try host.detach("vm-2", from: image)
                #expect(last.detached)
                #expect(last.mountState == "absent")
                #expect(try host.managedMounts().isEmpty)
                #expect(!FileManager.default.fileExists(atPath: first.path))
                #expect(try host.settledDescriptors() == descriptors)
                #expect(try host.client.mounts().mounts.isEmpty)
                #expect(try host.client.attachments().attachments.isEmpty)
            }
        }

        @Test(arguments: ["ext4", "xfs", "btrfs"])
        func anImageIsMountedReadAndWritten(type: String) throws {
            try TestHost.run { host in
                let image = try host.image("disk.img", type: type, size: "320M")
                let attached = try host.attach("vm-1", to: image)
                #expect(attached.mount.type == type)
                try "hello".write(toFile: attached.path + "/file", atomically: false, encoding: .utf8)
                #expect(try host.detach("vm-1", from: image).mountState == "absent")
                let again = try host.attach("vm-2", to: image)
                #expect(try String(contentsOfFile: again.path + "/file", encoding: .utf8) == "hello")
                try host.detach("vm-2", from: image)
            }
        }

        @Test(arguments: ["squashfs", "erofs"])
        func aReadOnlyImageIsMounted(type: String) throws {
            try TestHost.run { host in
                let content = host.folder + "/content"
                try FileManager.default.createDirectory(atPath: content, withIntermediateDirectories: false)
                try "hello".write(toFile: content + "/file", atomically: false, encoding: .utf8)
                let image = host.folder + "/image.\(type)"
                if type == "squashfs" {
                    try host.run("/usr/bin/mksquashfs", [content, image, "-quiet", "-no-progress"])
                } else {
                    try host.run("/usr/bin/mkfs.erofs", [image, content])
                }
                let attached = try host.attach("vm-1", to: image)
                #expect(attached.mount.type == type)
                #expect(try String(contentsOfFile: attached.path + "/file", encoding: .utf8) == "hello")
                #expect(throws: (any Error).self) {
                    try "no".write(toFile: attached.path + "/other", atomically: false, encoding: .utf8)
                }
                try host.detach("vm-1", from: image)
            }
        }

        @Test func aBlockDeviceIsMounted() throws {
            try TestHost.run { host in
                let image = try host.image("disk.img")
                let device = try LoopDevice.attach(image: FilePath(image), readOnly: false)
                let attached = try host.attach("vm-1", to: device.path.string)
                #expect(attached.mount.type == "ext4")
                #expect(try host.detach("vm-1", from: device.path.string).mountState == "absent")
                try device.close()
            }
        }

        @Test func tmpfsBindAndOverlayAreMountedWithNosuidAndNodev() throws {
            try TestHost.run { host in
                for name in ["lower", "upper", "work", "shared"] {
                    try FileManager.default.createDirectory(
                        atPath: host.folder + "/" + name, withIntermediateDirectories: false)
                }
                try "below".write(toFile: host.folder + "/lower/file", atomically: false, encoding: .utf8)
                try host.attach("c", to: "scratch", type: "tmpfs", options: ["size=1m"])
                let bind = try host.attach("c", to: host.folder + "/shared", options: ["ro"])
                #expect(bind.mount.type == "bind")
                let overlay = try host.attach(
                    "c", to: "layers", type: "overlay",
                    options: [
                        "lowerdir=\(host.folder)/lower", "upperdir=\(host.folder)/upper", "workdir=\(host.folder)/work",
                    ])
                try "above".write(toFile: overlay.path + "/new", atomically: false, encoding: .utf8)
                #expect(try String(contentsOfFile: overlay.path + "/file", encoding: .utf8) == "below")
                #expect(FileManager.default.fileExists(atPath: host.folder + "/upper/new"))
                let mounts = try host.managedMounts()
                #expect(mounts.count == 3)
                for mount in mounts { #expect(mount.attributes.isSuperset(of: [.noSetUserID, .noDevices])) }
                #expect(throws: (any Error).self) {
                    try "no".write(toFile: bind.path + "/file", atomically: false, encoding: .utf8)
                }
                for source in ["scratch", host.folder + "/shared", "layers"] {
                    #expect(try host.detach("c", from: source).mountState == "absent")
                }
            }
        }

        @Test func sixtyFourClientsOnOneSourceMakeOneMount() throws {
            try TestHost.run { host in
                let failures = Failures()
                DispatchQueue.concurrentPerform(iterations: 64) { number in
                    failures.catching { try host.attach("vm-\(number)", to: "shared", type: "tmpfs") }
                }
                #expect(failures.list == [])
                #expect(try host.managedMounts().count == 1)
                let list = try host.client.mounts()
                #expect(list.mounts.first?.attachments.count == 64)
                DispatchQueue.concurrentPerform(iterations: 64) { number in
                    failures.catching { try host.detach("vm-\(number)", from: "shared") }
                }
                #expect(failures.list == [])
                #expect(try host.client.mounts().mounts.isEmpty)
            }
        }

        @Test func sixtyFourClientsComeAndGoAndNothingIsLeft() throws {
            try TestHost.run { (host) throws in
                let failures = Failures()
                DispatchQueue.concurrentPerform(iterations: 64) { number in
                    for round in 0..<5 {
                        let source = "s\((number + round) % 7)"
                        failures.catching {
                            try host.attach("vm-\(number)", to: source, type: "tmpfs")
                            #expect(try host.detach("vm-\(number)", from: source).detached)
                        }
                    }
                }
                #expect(failures.list == [])
                #expect(try host.managedMounts().isEmpty)
            }
        }
    }
}

/// Collects what went wrong on many threads.
final class Failures: Sendable {
    private let lock = NSLock()
    nonisolated(unsafe) private var messages: [String] = []  // SAFETY: only under the lock.

    var list: [String] { lock.withLock { messages } }

    func catching(_ body: () throws -> Void) {
        do { try body() } catch { lock.withLock { messages.append("\(error)") } }
    }
}
