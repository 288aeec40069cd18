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

        @Test func withAPolicyToReportItIsOnlySaid() throws {
            try TestHost.run(start: false) { host in
                let configuration = host.folder + "/holdfastd.toml"
                try """
                [reconcile]
                [[reconcile.rules]]
                type = "tmpfs"
                source = "da*"
                action = "report"
                """.write(toFile: configuration, atomically: true, encoding: .utf8)
                try host.startDaemon(arguments: ["--config", configuration])
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
                let configuration = host.folder + "/holdfastd.toml"
                try "[reconcile]\naction = \"report\"".write(toFile: configuration, atomically: true, encoding: .utf8)
                try host.startDaemon(arguments: ["--config", configuration])
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
