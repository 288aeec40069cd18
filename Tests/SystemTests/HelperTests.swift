// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import LinuxMount
import MountTestSupport
import SystemPackage
import Testing

extension RealDaemon {
    /// Filesystems that a helper program mounts: sshfs, against a real sshd.
    @Suite struct Helpers {
        @Test func aFolderOfAnotherHostIsMountedOnceAndServedUntilTheLastHasLeft() throws {
            try TestHost.run { host in
                let server = try SSHServer(in: host.folder)
                let first = try host.attach("vm-1", to: server.source, type: "sshfs", options: server.options)
                let second = try host.attach("vm-2", to: server.source, options: server.options)
                #expect(second.path == first.path)
                #expect(try host.managedMounts().map(\.filesystemType) == ["fuse.sshfs"])
                try "hello".write(toFile: first.path + "/file", atomically: false, encoding: .utf8)
                #expect(try String(contentsOfFile: server.folder + "/files/file", encoding: .utf8) == "hello")
                let verified = try host.client.verify()
                #expect(verified.mounts.map(\.result) == ["ok"])
                #expect(try host.helpers().count > 0)
                try host.detach("vm-1", from: server.source)
                #expect(try host.managedMounts().count == 1)
                try host.detach("vm-2", from: server.source)
                try host.expectNoHelpers()
            }
        }

        @Test func whatTheProgramSaysIsToldAndNothingStays() throws {
            try TestHost.run { host in
                let server = try SSHServer(in: host.folder)
                let missing = try host.attachProblem(
                    "vm-1", to: "root@127.0.0.1:/no/such/folder", type: "sshfs", options: server.options)
                #expect(missing?.code == "mount_failed")
                #expect(missing?.detail.contains("No such file or directory") == true, "\(missing?.detail ?? "")")
                try Program.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host.folder + "/other")
                let refused = try host.attachProblem(
                    "vm-1", to: server.source, type: "sshfs",
                    options: [
                        "port=\(server.port)", "IdentityFile=\(host.folder)/other",
                        "UserKnownHostsFile=\(server.knownHosts)",
                    ])
                #expect(refused?.code == "mount_failed")
                #expect(refused?.detail.contains("sshfs: ") == true, "\(refused?.detail ?? "")")
                // sshfs does not say why, ssh does: the hint has what to type.
                let hint = try #require(refused?.hint)
                let command = String(try #require(hint.firstRange(of: "ssh -").map { hint[$0.lowerBound...] }))
                let said = #expect(throws: Program.Failure.self, "\(hint)") { try Program.run("sh", "-c", command) }
                #expect(said?.description.contains("Permission denied") == true, "\(command)")
                let right = command.replacing("\(host.folder)/other", with: server.key)
                #expect(right != command)
                #expect(throws: Never.self) { try Program.run("sh", "-c", right) }
                let unknown = try host.attachProblem(
                    "vm-1", to: server.source, type: "sshfs",
                    options: ["port=\(server.port)", "IdentityFile=\(server.key)"])
                #expect(unknown?.detail.contains("sshfs: ") == true, "\(unknown?.detail ?? "")")
                try host.expectNoHelpers()
                #expect(try host.client.mounts().mounts.isEmpty)
            }
        }

        @Test func withoutControlGroupsTheLogSaysWhatCannotBeMountedAndWhy() throws {
            try Program.run("mount", "-t", "tmpfs", "none", "/sys/fs/cgroup")
            defer { umount2("/sys/fs/cgroup", Int32(MNT_DETACH)) }
            try TestHost.run { host in
                let log = try #require(host.daemon).log
                #expect(log.contains("nfs 4, cifs and ceph are mounted by the kernel alone"), "\(log)")
                #expect(log.contains("mkdir"), "\(log)")
                let problem = try host.attachProblem("vm-1", to: "root@127.0.0.1:/", type: "sshfs")
                #expect(problem?.code == "unsupported", "\(problem?.detail ?? "")")
            }
        }

        @Test func aKeyThatOthersMayReadIsRefused() throws {
            try TestHost.run { host in
                let server = try SSHServer(in: host.folder)
                try #require(chmod(server.key, 0o644) == 0)
                let problem = try host.attachProblem(
                    "vm-1", to: server.source, type: "sshfs", options: server.options)
                #expect(problem?.detail.contains("chmod 0600 \(server.key)") == true, "\(problem?.detail ?? "")")
                try host.expectNoHelpers()
            }
        }

        @Test func theKeyIsNowhereToBeReadWhileItMountsAndAfterwards() throws {
            try TestHost.run { host in
                let server = try SSHServer(in: host.folder)
                let text = try String(contentsOfFile: server.key, encoding: .utf8)
                let lines = text.split(separator: "\n").filter { !$0.contains("-----") }.map(String.init)
                try #require(lines.count > 3)
                server.server.freeze()
                let attached = DispatchGroup()
                attached.enter()
                Thread.detachNewThread { [source = server.source, options = server.options] in
                    do {
                        try host.attach("vm-1", to: source, type: "sshfs", options: options)
                    } catch {
                        Issue.record(error)
                    }
                    attached.leave()
                }
                // The worker, sshfs and ssh.
                try host.waitUntil("the program runs") { try host.helpers().count >= 3 }
                #expect(try host.places(of: lines) == [])
                #expect(try host.places(of: [server.source]).contains("cmdline"))
                server.server.thaw()
                attached.wait()
                #expect(try host.places(of: lines) == [])
                let known = try host.places(of: [server.key])
                #expect(known.contains("mounts") && known.contains { $0.hasPrefix("state/ledger.sqlite") })
                try host.detach("vm-1", from: server.source)
                let broken = host.folder + "/broken"
                let body = ["AAAAsecret-\(UUID().uuidString)", "hunter2"]
                let marks = ["BEGIN", "END"].map { "-----\($0) OPENSSH PRIVATE KEY-----" }
                try ([marks[0]] + body + [marks[1], ""]).joined(separator: "\n").write(
                    toFile: broken, atomically: false, encoding: .utf8)
                try #require(chmod(broken, 0o600) == 0)
                let problem = try host.attachProblem(
                    "vm-1", to: server.source, type: "sshfs",
                    options: [
                        "port=\(server.port)", "IdentityFile=\(broken)", "UserKnownHostsFile=\(server.knownHosts)",
                    ])
                let said = String(decoding: try JSONEncoder().encode(problem), as: UTF8.self)
                #expect(said.contains("mount_failed") && !body.contains(where: said.contains))
                #expect(try host.places(of: body) == [])
                try host.expectNoHelpers()
            }
        }

        @Test func theDaemonsEndAndRestartLeaveItMounted() throws {
            try TestHost.run { host in
                let server = try SSHServer(in: host.folder)
                let path = try host.attach("vm-1", to: server.source, type: "sshfs", options: server.options).path
                let id = try #require(try host.managedMounts().first).id
                try host.killDaemon()
                try "kept".write(toFile: path + "/file", atomically: false, encoding: .utf8)
                try host.startDaemon()
                #expect(try host.managedMounts().map(\.id) == [id])
                #expect(try host.state() == "mounted")
                try host.stopDaemon()
                try host.startDaemon()
                #expect(try String(contentsOfFile: path + "/file", encoding: .utf8) == "kept")
                try host.detach("vm-1", from: server.source)
                try host.expectNoHelpers()
            }
        }

        @Test func itKeepsNothingOfTheHostsMounted() throws {
            try TestHost.run { host in
                let image = try host.image("disk.img")
                let place = host.folder + "/data"
                try #require(mkdir(place, 0o755) == 0)
                try Program.run("mount", "-o", "loop", image, place)
                let managed = try host.image("managed.img")
                try host.attach("vm-1", to: managed)
                let server = try SSHServer(in: host.folder)
                try host.attach("vm-1", to: server.source, type: "sshfs", options: server.options)
                // The administrator's, and another one of ours: both devices are free although sshfs lives on.
                try Program.run("umount", place)
                try host.detach("vm-1", from: managed)
                try host.waitUntil("the loop devices are free") { host.loopDevices().isEmpty }
                #expect(try host.managedMounts().map(\.filesystemType) == ["fuse.sshfs"])
                try host.detach("vm-1", from: server.source)
                try host.expectNoHelpers()
            }
        }

        /// Where a worker, or a worker and its daemon, are killed while a helper program mounts.
        static let kills = ["nursery_ready", "helper_ended", "handed_on"].flatMap { step in
            ["kill", "orphan"].map { "executor.\(step)=\($0)" }
        }

        @Test(arguments: kills) func aKillAtAnyStepLeavesNothing(failpoint: String) throws {
            try TestHost.run(start: false) { host in
                try host.startDaemon(environment: ["HOLDFAST_FAILPOINT": failpoint])
                let server = try SSHServer(in: host.folder)
                _ = try? host.attach("vm-1", to: server.source, type: "sshfs", options: server.options)
                #expect(host.daemon?.waitForEnd() == SIGKILL)
                try host.startDaemon()
                try host.expectNoHelpers()
                #expect(try host.client.mounts().mounts.isEmpty)
                try host.attach("vm-1", to: server.source, type: "sshfs", options: server.options)
                try host.detach("vm-1", from: server.source)
                try host.expectNoHelpers()
            }
        }
    }
}

extension TestHost {
    /// Waits until no process is left that a helper program of this host's daemon has become.
    func expectNoHelpers() throws {
        try waitUntil("the helper programs have ended") { try helpers().isEmpty }
    }

    /// The processes of helper programs, and the daemons that they have become.
    func helpers() throws -> [Int32] {
        try ControlGroup.all(in: ControlGroup.own()).filter { $0.path.lastComponent?.string == helperGroup }
            .flatMap { try ControlGroup.all(in: $0.path) }.flatMap { try $0.processes() }
    }
}
