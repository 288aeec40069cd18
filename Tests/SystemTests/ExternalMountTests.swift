// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import LinuxMount
import MountTestSupport
import SystemPackage
import Testing

extension RealDaemon {
    /// Filesystems that somebody else mounts: here the test, a tmpfs. The daemon verifies and counts, and no more.
    @Suite struct ExternalMounts {
        private static let settings = """
            [types.lab]
            kind = "external"
            filesystem = "tmpfs"
            source = "name"
            [probe]
            interval_seconds = 1
            """

        /// Runs the body with a daemon that knows the type, and two folders; nothing may be mounted there afterwards.
        private func run(_ body: (TestHost, _ place: String, _ other: String) throws -> Void) throws {
            try TestHost.run(start: false) { host in
                let places = [host.folder + "/lab", host.folder + "/other"]
                for place in places { try #require(mkdir(place, 0o755) == 0) }
                try host.startDaemon(settings: Self.settings)
                try body(host, places[0], places[1])
            }
        }

        private func mount(_ source: String, at place: String) throws {
            try Program.run("mount", "-t", "tmpfs", source, place)
        }

        private func attach(
            _ host: TestHost, _ consumer: String, to source: String = "shared0", at place: String? = nil,
            lease: String? = nil
        ) throws -> AttachResponse {
            try host.client.attach(
                AttachRequest(source: source, consumer: consumer, type: "lab", at: place, lease: lease))
        }

        private func problem(_ body: () throws -> AttachResponse) throws -> Problem {
            do {
                throw TestFailure(description: "it was attached: \(try body())")
            } catch let problem as Problem {
                return problem
            }
        }

        private struct TestFailure: Error { let description: String }

        @Test func itsServerIsNobodysBusinessHere() throws {
            try run { host, place, _ in
                try mount("shared0", at: place)
                _ = try attach(host, "vm-1")
                // Within the interval it would have been asked, in vain: it is not beneath the mount root.
                let end = ContinuousClock.now + .milliseconds(2_500)
                while ContinuousClock.now < end {
                    #expect(try host.client.mounts().mounts.map(\.mount.state) == ["mounted"])
                    usleep(100_000)
                }
                try #require(umount2(place, 0) == 0)
            }
        }

        @Test func consumersAreCountedAndTheMountStaysWhereItIs() throws {
            try run { host, place, _ in
                try mount("shared0", at: place)
                let id = try #require(try host.mounts(at: place).first).id
                let first = try attach(host, "vm-1")
                #expect(first.path == place && first.created)
                #expect(try attach(host, "vm-2").path == place)
                #expect(try !attach(host, "vm-2", at: place).created)
                #expect(
                    try host.client.mounts().mounts.map { [$0.mount.mountpoint, $0.mount.state] } == [
                        [place, "mounted"]
                    ])
                #expect(try host.client.verify().mounts.map(\.result) == ["ok"])
                try host.detach("vm-1", from: "shared0")
                try host.detach("vm-2", from: "shared0")
                try host.waitForState("absent")
                #expect(try host.mounts(at: place).map(\.id) == [id])
                try Program.run("umount", place)
                #expect(access(place, F_OK) == 0)
            }
        }

        @Test func whatIsNotMountedOrElsewhereOrAnotherOneIsRefused() throws {
            try run { host, place, other in
                let absent = try problem { try attach(host, "vm-1") }
                #expect(absent.code == "mount_failed" && absent.detail.contains("not mounted on this host"))
                let nothing = try problem { try attach(host, "vm-1", at: place) }
                #expect(nothing.code == "mount_failed" && nothing.detail.contains("nothing is mounted at \(place)"))
                try mount("shared1", at: place)
                let another = try problem { try attach(host, "vm-1", at: place) }
                #expect(another.code == "foreign" && another.detail.contains("of another source"), "\(another)")
                let beneath = try problem { try attach(host, "vm-1", at: host.mountRoot + "/lab") }
                #expect(beneath.code == "invalid_argument")
                try mount("shared0", at: other)
                #expect(try attach(host, "vm-1").path == other)
                try Program.run("umount", place)
                try mount("shared0", at: place)
                let two = try problem { try attach(host, "vm-2", to: "shared0/") }
                #expect(two.code == "invalid_argument")
                #expect(try attach(host, "vm-2", at: place).path == place)
                let option = try problem {
                    try host.client.attach(
                        AttachRequest(source: "shared0", consumer: "vm-3", type: "lab", options: ["ro"]))
                }
                #expect(option.code == "invalid_argument")
                for consumer in ["vm-1", "vm-2"] { try host.detach(consumer, from: "shared0") }
                try host.waitUntil("both are forgotten") { try host.client.mounts().mounts.isEmpty }
                for place in [place, other] { try Program.run("umount", place) }
            }
        }

        @Test func aMountAtTwoPlacesHasToBeNamed() throws {
            try run { host, place, other in
                for place in [place, other] { try mount("shared0", at: place) }
                let conflict = try problem { try attach(host, "vm-1") }
                #expect(conflict.code == "conflict" && conflict.detail.contains("\(place) and \(other)"))
                #expect(try attach(host, "vm-1", at: other).path == other)
                // The one that is in use already is the one that is meant.
                #expect(try attach(host, "vm-2").path == other)
                for consumer in ["vm-1", "vm-2"] { try host.detach(consumer, from: "shared0") }
                for place in [place, other] { try Program.run("umount", place) }
            }
        }

        /// Whoever mounts a FUSE filesystem gives it type and source as he likes.
        @Test func whatAnOrdinaryUserHasMountedIsNotTakenForIt() throws {
            try TestHost.run(start: false) { host in
                let (his, roots) = (host.folder + "/his", host.folder + "/roots")
                for place in [his, roots] { try #require(mkdir(place, 0o755) == 0) }
                try host.startDaemon(
                    settings: """
                        [types.lab]
                        kind = "external"
                        filesystem = "fuse.scale"
                        source = "name"
                        """)
                try mountAsOrdinaryUser("cluster1", subtype: "scale", at: his, host)
                let entry = try #require(try host.mounts(at: his).first)
                #expect(entry.filesystemType == "fuse.scale" && entry.source == KernelText("cluster1"))
                let absent = try problem { try attach(host, "vm-1", to: "cluster1") }
                #expect(absent.code == "mount_failed" && absent.detail.contains("not mounted on this host"))
                let named = try problem { try attach(host, "vm-1", to: "cluster1", at: his) }
                #expect(named.code == "foreign" && named.detail.contains("another than root"), "\(named)")
                // One without a subtype is another type, on all kernels.
                let plain = try SilentFilesystem()
                try plain.mount(on: FilePath(roots), source: "cluster1", subtype: nil)
                let other = try problem { try attach(host, "vm-1", to: "cluster1") }
                #expect(other.code == "mount_failed", "\(other)")
                try #require(umount2(roots, 0) == 0)
                let filesystem = try SilentFilesystem()
                try filesystem.mount(on: FilePath(roots), source: "cluster1", subtype: "scale")
                #expect(try attach(host, "vm-1", to: "cluster1").path == roots)
                try host.detach("vm-1", from: "cluster1")
                for place in [roots, his] { try #require(umount2(place, 0) == 0) }
            }
        }

        /// By fusermount3, which is what ordinary users mount with, whatever rights `/dev/fuse` has here.
        private func mountAsOrdinaryUser(
            _ source: String, subtype: String, at place: String, _ host: TestHost
        ) throws {
            let device = host.folder + "/fuse"
            try Program.run("mknod", "--mode=666", device, "c", "10", "229")
            try Program.run("mount", "--bind", device, "/dev/fuse")
            defer { umount2("/dev/fuse", 0) }
            try #require(chown(place, 65534, 65534) == 0)
            let script = """
                import os, socket, subprocess, sys
                near, far = socket.socketpair()
                subprocess.run(
                    ["fusermount3", "-o", sys.argv[1], "--", sys.argv[2]], check=True, pass_fds=[far.fileno()],
                    env=dict(os.environ, _FUSE_COMMFD=str(far.fileno())))
                """
            try Program.run(
                "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "python3", "-c", script,
                "fsname=\(source),subtype=\(subtype)", place)
        }

        @Test func itIsLostWithItsMountAndFoundAgainAndARestartChangesNothing() throws {
            try run { host, place, _ in
                try mount("shared0", at: place)
                _ = try attach(host, "vm-1")
                try Program.run("umount", place)
                try host.waitForState("lost")
                #expect(try host.client.verify().mounts.map(\.result) == ["missing"])
                try expectPlanOfRefusal(host)
                try mount("shared0", at: place)
                try host.waitForState("mounted")
                try mount("shared9", at: place)
                try host.waitForState("foreign")
                try expectPlanOfRefusal(host)
                try Program.run("umount", place)
                try host.waitForState("mounted")
                try host.killDaemon()
                try host.startDaemon(settings: Self.settings)
                try host.waitForState("mounted")
                try Program.run("umount", place)
                try host.waitForState("lost")
                try host.detach("vm-1", from: "shared0")
                try host.waitForState("absent")
                #expect(access(place, F_OK) == 0)
            }
        }

        /// A plan says what the attach then does.
        private func expectPlanOfRefusal(_ host: TestHost) throws {
            let plan = try host.client.plan(AttachRequest(source: "shared0", consumer: "vm-2", type: "lab"))
            let refused = try problem { try attach(host, "vm-2") }
            #expect(plan.verdict == "refused" && plan.problem?.code == refused.code, "\(plan) \(refused)")
        }

        @Test func aTypeThatTheConfigurationHasNoLongerIsForgottenAndNeverUnmounted() throws {
            try run { host, place, _ in
                try mount("shared0", at: place)
                let attachment = try attach(host, "vm-1").attachment
                try host.stopDaemon()
                try host.startDaemon()
                try host.waitForState("mounted")
                let answer = try host.client.detach(id: attachment.id)
                #expect(answer.detached)
                try host.waitForState("absent")
                #expect(try host.mounts(at: place).count == 1)
                try Program.run("umount", place)
            }
        }
    }
}
