// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import LinuxMount
import MountTestSupport
import Testing

extension RealDaemon {
    /// Administrators who remount what is ours while it is in use.
    @Suite struct Drift {
        private static let remounted = UInt(MS_REMOUNT | MS_BIND)

        @Test func whatLostItsAttributesGetsThemBack() throws {
            try TestHost.run { host in
                let path = try host.attach("vm-1", to: "data", type: "tmpfs").path
                let before = try #require(try host.mounts(at: path).last)
                try #require(mount("none", path, nil, Self.remounted | UInt(MS_RDONLY), nil) == 0)
                try #require(try host.mounts(at: path).last?.attributes == .readOnly)
                try host.waitUntil("it has its attributes") {
                    try host.mounts(at: path).last?.attributes == before.attributes
                }
                #expect(try host.mounts(at: path).map(\.id) == [before.id])
                #expect(try host.client.verify().ok)
                try host.detach("vm-1", from: "data")
            }
        }

        @Test(arguments: ["tmpfs", "ext4"])
        func aFilesystemThatOthersMadeReadOnlyIsMadeWritableAgain(_ type: String) throws {
            try TestHost.run { host in
                let source = type == "tmpfs" ? "data" : try host.image("disk.img")
                let path = try host.attach("vm-1", to: source, type: type).path
                let before = try #require(try host.mounts(at: path).last)
                try #require(mount("none", path, nil, UInt(MS_REMOUNT | MS_RDONLY), nil) == 0)
                #expect(try host.mounts(at: path).last?.isSuperblockReadOnly == true)
                try host.waitUntil("it is writable") {
                    try host.mounts(at: path).last?.isSuperblockReadOnly == false
                }
                try host.waitUntil("it is as it was made") { try host.client.verify().ok }
                #expect(try host.mounts(at: path).last == before)
                #expect(FileManager.default.createFile(atPath: path + "/file", contents: nil))
                try host.detach("vm-1", from: source)
            }
        }

        @Test func aFilesystemThatOthersMadeReadOnlyIsReported() throws {
            try TestHost.run(start: false) { host in
                try host.startDaemon(settings: "[reconcile]\naction = \"report\"")
                let path = try host.attach("vm-1", to: "data", type: "tmpfs").path
                try #require(mount("none", path, nil, UInt(MS_REMOUNT | MS_RDONLY), nil) == 0)
                let entry = try #require(try host.client.verify().mounts.first)
                #expect(entry.result == "drifted")
                #expect(entry.found.contains("read-only as a filesystem, where read-write was asked for"), "\(entry)")
                let problem = try #require(try host.client.mounts().mounts.first?.mount.problem)
                #expect(problem.hint?.contains("mount -o remount,rw \(path)") == true, "\(problem)")
                #expect(try host.findings().contains("mount_drifted"))
                #expect(try host.mounts(at: path).last?.isSuperblockReadOnly == true)
                try host.detach("vm-1", from: "data")
            }
        }

        @Test func aFilesystemThatTheKernelHasStoppedIsReportedWithWhatToDo() throws {
            try TestHost.run { host in
                let image = try host.image("disk.img")
                let path = try host.attach("vm-1", to: image).path
                // As after an error of the device; the remount itself is refused then.
                _ = mount("none", path, nil, UInt(MS_REMOUNT | MS_NOSUID | MS_NODEV), "abort")
                #expect(!FileManager.default.createFile(atPath: path + "/file", contents: nil))
                // No event tells of it: `doctor` looks too.
                #expect(try host.findings().contains("mount_drifted"))
                let entry = try #require(try host.client.verify().mounts.first)
                #expect(entry.result == "drifted")
                #expect(entry.found.contains("where read-write was asked for"), "\(entry)")
                let problem = try #require(try host.client.mounts().mounts.first?.mount.problem)
                #expect(problem.hint?.contains("run fsck") == true, "\(problem)")
                try host.detach("vm-1", from: image)
            }
        }

        @Test func aMountThatWasAskedForReadOnlyHasNotDrifted() throws {
            try TestHost.run { host in
                let image = try host.image("disk.img")
                try host.attach("vm-1", to: image, options: ["ro"])
                try host.attach("vm-1", to: "data", type: "tmpfs", options: ["ro"])
                for name in ["tree", "more"] { try #require(mkdir("\(host.folder)/\(name)", 0o755) == 0) }
                try host.run(
                    "mksquashfs", [host.folder + "/tree", host.folder + "/tree.img", "-quiet", "-no-progress"])
                try host.attach("vm-1", to: host.folder + "/tree.img")
                try host.attach(
                    "vm-1", to: "layers", type: "overlay", options: ["lowerdir=\(host.folder)/tree:\(host.folder)/more"]
                )
                let verified = try host.client.verify()
                #expect(verified.mounts.map(\.result) == ["ok", "ok", "ok", "ok"], "\(verified)")
                for source in [image, "data", host.folder + "/tree.img", "layers"] {
                    try host.detach("vm-1", from: source)
                }
            }
        }

        @Test func withAPolicyToReportItIsOnlySaid() throws {
            try TestHost.run(start: false) { host in
                try host.startDaemon(
                    settings: """
                        [reconcile]
                        [[reconcile.rules]]
                        type = "tmpfs"
                        source = "da*"
                        action = "report"
                        """)
                let path = try host.attach("vm-1", to: "data", type: "tmpfs").path
                try #require(mount("none", path, nil, Self.remounted, nil) == 0)
                try host.waitUntil("it has a problem") { try host.client.mounts().mounts.first?.mount.problem != nil }
                let mount = try #require(try host.client.mounts().mounts.first?.mount)
                #expect(mount.state == "mounted")
                #expect(mount.problem?.detail.contains("without nosuid,nodev") == true, "\(mount)")
                let entry = try #require(try host.client.verify().mounts.first)
                #expect(entry.result == "drifted")
                #expect(entry.found.contains("without nosuid,nodev"))
                #expect(try host.mounts(at: path).last?.attributes == [])
                try host.detach("vm-1", from: "data")
            }
        }

        @Test func withAPolicyToReportALostMountWaitsForWhoAsks() throws {
            try TestHost.run(start: false) { host in
                try host.startDaemon(settings: "[reconcile]\naction = \"report\"")
                let path = try host.attach("vm-1", to: "data", type: "tmpfs").path
                try #require(umount2(path, 0) == 0)
                try host.waitForState("lost")
                #expect(try host.client.verify().mounts.map(\.result) == ["missing"])
                #expect(try host.client.mounts().mounts.first?.mount.problem?.detail.contains("unmounted") == true)
                #expect(try host.mounts(at: path).isEmpty)
                #expect(try host.attach("vm-2", to: "data", type: "tmpfs").path == path)
                #expect(try host.mounts(at: path).count == 1)
                try host.detach("vm-1", from: "data")
                try host.detach("vm-2", from: "data")
            }
        }

        @Test func whatWasMovedElsewhereIsShownAndTouchedByNobody() throws {
            try TestHost.run { host in
                let path = try host.attach("vm-1", to: "data", type: "tmpfs").path
                let id = try #require(try host.mounts(at: path).last?.id)
                let elsewhere = host.folder + "/elsewhere"
                try FileManager.default.createDirectory(atPath: elsewhere, withIntermediateDirectories: false)
                try host.run("mount", ["--move", path, elsewhere])
                try host.waitForState("moved")
                #expect(try host.attachProblem("vm-2", to: "data", type: "tmpfs")?.code == "foreign")
                #expect(try host.detach("vm-1", from: "data").detached)
                #expect(try host.state() == "moved")
                #expect(try host.mounts(at: elsewhere).map(\.id) == [id])
                #expect(try host.mounts(at: path).isEmpty)
                try host.run("mount", ["--move", elsewhere, path])
                try host.waitForState("absent")
            }
        }

        @Test func aMountRootThatSomebodyMadeSharedIsPrivateAgain() throws {
            try TestHost.run { host in
                let path = try host.attach("vm-1", to: "data", type: "tmpfs").path
                try #require(mount("none", host.mountRoot, nil, UInt(MS_SHARED), nil) == 0)
                try host.waitUntil("the root is private") {
                    try host.mounts(at: host.mountRoot).last?.propagation == .private
                }
                #expect(try host.mounts(at: path).count == 1)
                try host.detach("vm-1", from: "data")
            }
        }

        @Test(arguments: [
            ("[reconcile]\naction = \"ignore\"", "heal, report"),
            ("[reconcile]\nactions = \"heal\"", "no setting 'actions'"),
            ("[[reconcile.rules]]\naction = \"heal\"\ntypes = \"x\"", "no setting 'types'"),
            ("[[reconcile.rules]]\naction = \"heal\"\ntype = \"ext5\"", "did you mean 'ext4'?"),
            ("[[reconcile.rules]]\ntype = \"ext4\"", "[[reconcile.rules]]: a rule has no 'action'"),
            (
                "[[reconcile.rules]]\naction = 3",
                "[[reconcile.rules]]: 'action' must be a text, in quotes, and is a whole number"
            ),
            ("[reconcile]\nrules = \"x\"", "[reconcile]: 'rules' must be an array, [[name]]"),
            ("threads = \"16\"", "'threads' must be a whole number, and is a text"),
            ("limits = 5", "'limits' must be a table"),
            ("[limits]\nmounts = 1.5", "[limits]: 'mounts' must be a whole number, and is a number with a fraction"),
            ("allow_private_namespace = 1", "'allow_private_namespace' must be true or false"),
            ("state_dir = 7", "'state_dir' must be a text, in quotes"),
        ])
        func aPolicyThatMakesNoSenseIsRefused(_ text: String, _ complaint: String) throws {
            try TestHost.run(start: false) { host in
                let configuration = host.folder + "/holdfastd.toml"
                try text.write(toFile: configuration, atomically: true, encoding: .utf8)
                let daemon = try DaemonProcess(
                    arguments: ["run", "--config", configuration, "--mount-root", host.mountRoot], environment: [:])
                #expect(daemon.waitForEnd() == 0)
                #expect(daemon.log.contains(complaint), "\(daemon.log)")
            }
        }
    }
}
