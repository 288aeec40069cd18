// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import MountTestSupport
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

        @Test func whereTheTypeWasNotNamedTheErrorSaysWhichOneItLooksLike() throws {
            try TestHost.run { host in
                let problem = try host.attachProblem("vm-1", to: "server:/a//b")
                #expect(problem?.hint?.contains("no type was named, and this looks like nfs") == true)
                let named = try host.attachProblem("vm-1", to: "server:/a//b", type: "nfs")
                #expect(named?.hint?.contains("no type was named") == false)
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

        @Test func aFolderOfItsOwnInsideTheMountRootKeepsTheDaemonFromStarting() throws {
            try TestHost.run(start: false) { host in
                let daemon = try host.startDaemon(arguments: ["--mount-root", host.folder])
                #expect(try daemon.exitStatus() == 65)
                #expect(daemon.log.contains("state_dir \(host.folder)/state is inside mount_root \(host.folder)"))
                #expect(!FileManager.default.fileExists(atPath: host.folder + "/state"))
                try host.startDaemon()
            }
        }

        @Test func whatIsNoConfigurationKeepsTheDaemonFromStartingAndIsSaid() throws {
            try TestHost.run(start: false) { host in
                func refusal(_ arguments: [String]) throws -> String {
                    let daemon = try host.startDaemon(arguments: arguments)
                    #expect(try daemon.exitStatus() == 65)
                    return daemon.log
                }
                let file = host.folder + "/holdfastd.toml"
                #expect(try refusal(["--config", host.folder]).contains("\(host.folder) (not a regular file)"))
                #expect(try refusal(["--config", file]).contains("\(file): No such file or directory"))
                try Data([0x61, 0xff, 0x0a]).write(to: URL(filePath: file))
                #expect(try refusal(["--config", file]).contains("is no text in UTF-8"))
                try Data(repeating: 0x0a, count: (1 << 20) + 1).write(to: URL(filePath: file))
                #expect(try refusal(["--config", file]).contains("File too large"))
                try #require(unlink(file) == 0 && mkfifo(file, 0o600) == 0)
                for path in [file, "/dev/null"] {
                    #expect(try refusal(["--config", path]).contains("\(path) (not a regular file)"))
                }
                try #require(unlink(file) == 0)
                try "threads = 2\n".write(toFile: file, atomically: false, encoding: .utf8)
                try #require(chmod(file, 0o664) == 0)
                #expect(try refusal(["--config", file]).contains("chmod 0644 \(file)"))
                // What may be executed besides lets nobody in.
                try #require(chmod(file, 0o755) == 0)
                // Administrators keep it where they like.
                try #require(symlink(file, host.folder + "/link.toml") == 0)
                try host.startDaemon(arguments: ["--config", host.folder + "/link.toml"])
                try host.stopDaemon()
                let same = try refusal(["--runtime-dir", host.folder + "/state"])
                #expect(same.contains("state_dir and runtime_dir are both \(host.folder)/state"))
                try host.startDaemon()
            }
        }

        @Test func theDaemonMayHaveAsManyDescriptorsAsItCan() throws {
            try TestHost.run(start: false) { host in
                var before = rlimit()
                let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
                try #require(getrlimit(resource, &before) == 0)
                var lowered = before
                lowered.rlim_cur = 500
                try #require(setrlimit(resource, &lowered) == 0)
                defer { setrlimit(resource, &before) }
                let daemon = try host.startDaemon()
                let limits = try String(contentsOfFile: "/proc/\(daemon.pid)/limits", encoding: .utf8)
                let line = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max open files") })
                let numbers = line.split(separator: " ").compactMap { UInt64($0) }
                #expect(numbers == [before.rlim_max, before.rlim_max].map(UInt64.init))
            }
        }

        @Test func whatShowsHoldfastsOwnFoldersIsRefused() throws {
            try TestHost.run { host in
                let (state, runtime) = (host.folder + "/state", host.folder + "/run")
                let (tree, door) = (host.folder + "/tree", host.folder + "/door")
                for folder in [tree, tree + "/upper", tree + "/work", door] {
                    try #require(mkdir(folder, 0o755) == 0)
                }
                // Another way to the same folders.
                try host.run("mount", ["--bind", host.folder, door])
                for source in [
                    state, runtime, runtime + "/parking", host.mountRoot, host.folder, door, door + "/state",
                    door + "/run", door + "/mnt",
                ] {
                    let problem = try host.attachProblem("vm-1", to: source, type: "bind", at: "point")
                    #expect(problem?.code == "invalid_argument", "\(source): \(problem as Any)")
                    #expect(problem?.hint?.contains("what Holdfast keeps") == true)
                }
                let layers = ["lowerdir=\(tree)", "upperdir=\(tree)/upper", "workdir=\(tree)/work"]
                for (index, value) in [
                    (0, "lowerdir=\(tree):\(door)"), (1, "upperdir=\(state)"), (2, "workdir=\(door)"),
                ] {
                    var options = layers
                    options[index] = value
                    let problem = try host.attachProblem("vm-1", to: "layers", type: "overlay", options: options)
                    #expect(problem?.code == "invalid_argument", "\(value): \(problem as Any)")
                }
                for ledger in [state + "/ledger.sqlite", door + "/state/ledger.sqlite"] {
                    let problem = try host.attachProblem("vm-1", to: ledger, type: "ext4")
                    #expect(problem?.code == "invalid_argument", "\(ledger): \(problem as Any)")
                }
                #expect(try host.client.mounts().mounts.isEmpty)
                #expect(host.loopDevices() == [])
                try #require(umount2(door, 0) == 0)
            }
        }

        @Test func whatIsOnAMountOfHoldfastsMayBeASource() throws {
            try TestHost.run { host in
                let data = try host.attach("vm-1", to: "data", type: "tmpfs").path
                try host.run("/usr/bin/truncate", ["-s", "16M", data + "/disk.img"])
                try host.run("/usr/sbin/mkfs.ext4", ["-q", data + "/disk.img"])
                try #require(mkdir(data + "/folder", 0o755) == 0)
                try host.attach("vm-1", to: data + "/disk.img")
                try host.attach("vm-1", to: data + "/folder", type: "bind")
                try host.detach("vm-1", from: data + "/folder")
                try host.detach("vm-1", from: data + "/disk.img")
                try host.detach("vm-1", from: "data")
            }
        }

        @Test func hintsNameTheCause() throws {
            try TestHost.run { host in
                let data = try host.attach("vm-1", to: "data", type: "tmpfs").path
                let beneath = try host.attachProblem(
                    "vm-1", to: "other", type: "tmpfs", at: "\(data.split(separator: "/").last ?? "")/a")
                #expect(beneath?.code == "conflict")
                #expect(
                    beneath?.detail.contains("beneath \(data), where tmpfs data is mounted") == true,
                    "\(beneath as Any)")
                try #require(symlink("/usr", host.folder + "/link") == 0)
                let link = try host.attachProblem("vm-1", to: host.folder + "/link", type: "bind")
                #expect(link?.hint?.contains("symbolic link") == true, "\(link as Any)")
                let first = try host.image("first.img", type: "xfs", size: "300M")
                let second = host.folder + "/second.img"
                try host.run("cp", ["--sparse=always", first, second])
                try host.attach("vm-1", to: first)
                let clone = try host.attachProblem("vm-1", to: second)
                #expect(clone?.hint?.contains("'nouuid'") == true, "\(clone as Any)")
                try host.attach("vm-1", to: second, options: ["nouuid"])
                for source in [second, first, "data"] { try host.detach("vm-1", from: source) }
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
