// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import LinuxMount
import MountTestSupport
import Testing

extension RealDaemon {
    /// Servers that do not answer, and the processes between them and the kernel: sshfs and a real sshd.
    @Suite struct HungServers {
        @Test func aProcessThatDiesIsNoticedAndItsMountMadeAnew() throws {
            try TestHost.run { host in
                let server = try SSHServer(in: host.folder)
                let path = try host.attach("vm-1", to: server.source, type: "sshfs", options: server.options).path
                try "hello".write(toFile: path + "/file", atomically: false, encoding: .utf8)
                let id = try HungServers.mountID(of: host)
                let file = open(path + "/file", O_RDONLY)
                try #require(file >= 0)
                for process in try host.helpers() { kill(process, SIGKILL) }
                try host.waitUntil("it is mounted anew") {
                    try HungServers.mountID(of: host) != id && host.state() == "mounted"
                }
                #expect(try String(contentsOfFile: path + "/file", encoding: .utf8) == "hello")
                // Who had something open has to open it again.
                var byte: UInt8 = 0
                #expect(read(file, &byte, 1) == -1 && errno == ENOTCONN)
                close(file)
                #expect(try host.client.verify().mounts.map(\.result) == ["ok"])
                #expect(host.daemon?.log.contains("the process that served \(path) has ended") == true)
                try host.detach("vm-1", from: server.source)
                try host.expectNoHelpers()
            }
        }

        @Test func aProcessThatDiesWhileNoDaemonRunsIsFoundAtTheStart() throws {
            try TestHost.run { host in
                let server = try SSHServer(in: host.folder)
                let path = try host.attach("vm-1", to: server.source, type: "sshfs", options: server.options).path
                try "hello".write(toFile: path + "/file", atomically: false, encoding: .utf8)
                try host.killDaemon()
                for process in try host.helpers() { kill(process, SIGKILL) }
                try host.expectNoHelpers()
                #expect(access(path, F_OK) != 0 && errno == ENOTCONN)
                try host.startDaemon()
                try host.waitForState("mounted")
                try host.waitUntil("it can be used") { access(path + "/file", F_OK) == 0 }
                try host.detach("vm-1", from: server.source)
                try host.expectNoHelpers()
            }
        }

        @Test func aServerThatFreezesIsShownAndHoldsNobodyUp() throws {
            try TestHost.run(start: false) { host in
                let (server, path) = try HungServers.mounted(by: host)
                server.server.freeze()
                try host.waitForState("unresponsive")
                let mount = try #require(try host.client.mounts().mounts.first).mount
                #expect(mount.problem?.code == "timed_out")
                #expect(mount.problem?.detail.contains("has not answered for") == true)
                #expect(try host.client.verify().mounts.map(\.result) == ["unresponsive"])
                #expect(try host.client.status().mounts["unresponsive"] == 1)
                #expect(try host.client.doctor().findings.map(\.code).contains("mount_unresponsive"))
                // What needs nothing of the server is answered as ever.
                #expect(try host.attach("vm-2", to: server.source, options: server.options).path == path)
                #expect(try host.detach("vm-2", from: server.source).detached)
                try host.attach("vm-3", to: "data", type: "tmpfs")
                try host.detach("vm-3", from: "data")
                server.server.thaw()
                try host.waitForState("mounted")
                #expect(try host.client.verify().mounts.map(\.result) == ["ok"])
                try host.waitUntil("no worker is stuck") { try host.client.status().workers?["stuck"] == 0 }
                try host.detach("vm-1", from: server.source)
                try host.expectNoHelpers()
            }
        }

        @Test func theLastDetachGetsRidOfAMountWhoseServerHangs() throws {
            try TestHost.run(start: false) { host in
                let (server, path) = try HungServers.mounted(by: host)
                server.server.freeze()
                let user = try HungServers.user(of: path)
                let began = ContinuousClock.now
                #expect(try host.detach("vm-1", from: server.source).mountState == "absent")
                #expect(ContinuousClock.now - began < .seconds(20))
                user.waitUntilExit()
                #expect(try host.managedMounts().isEmpty)
                #expect(try host.client.mounts().mounts.isEmpty)
                try host.expectNoHelpers()
                try host.waitUntil("no worker is stuck") { try host.client.status().workers?["stuck"] == 0 }
                server.server.thaw()
                try host.attach("vm-1", to: server.source, type: "sshfs", options: server.options)
                try host.detach("vm-1", from: server.source)
                try host.expectNoHelpers()
            }
        }

        @Test func aPolicyMayHaveWhatHangsDetachedThoughItIsInUse() throws {
            try TestHost.run(start: false) { host in
                let (server, path) = try HungServers.mounted(by: host, more: "[unmount]\nwhen_silent = \"detach\"\n")
                let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                try #require(folder >= 0)
                server.server.freeze()
                #expect(try host.detach("vm-1", from: server.source).mountState == "absent")
                #expect(try host.managedMounts().isEmpty)
                #expect(try host.mounts(beneath: "run/parking").isEmpty)
                #expect(try host.client.mounts().mounts.isEmpty)
                server.server.thaw()
                try host.attach("vm-1", to: server.source, type: "sshfs", options: server.options)
                try host.detach("vm-1", from: server.source)
                close(folder)
                try host.expectNoHelpers()
            }
        }

        @Test func aPolicyMayHaveWhoseProcessHasDiedReportedOnly() throws {
            try TestHost.run(start: false) { host in
                let (server, path) = try HungServers.mounted(by: host, more: "[reconcile]\naction = \"report\"\n")
                for process in try host.helpers() { kill(process, SIGKILL) }
                try host.waitForState("lost")
                #expect(try host.managedMounts().isEmpty)
                #expect(try host.client.verify().mounts.map(\.result) == ["missing"])
                #expect(try host.attach("vm-2", to: server.source, type: "sshfs", options: server.options).path == path)
                #expect(try host.state() == "mounted")
                for consumer in ["vm-1", "vm-2"] { try host.detach(consumer, from: server.source) }
                try host.expectNoHelpers()
            }
        }

        @Test func aDaemonThatMayChangeNothingLeavesAMountWhoseProcessHasDied() throws {
            try TestHost.run(start: false) { host in
                try host.mountState(size: "4m")
                let (server, _) = try HungServers.mounted(by: host)
                let mounts = try host.managedMounts().map(\.id)
                let id = try HungServers.mountID(of: host)
                try host.stopDaemon()
                try host.remountState(readOnly: true)
                try host.startDaemon(settings: HungServers.settings)
                try host.waitForState("mounted")
                for process in try host.helpers() { kill(process, SIGKILL) }
                try host.waitForState("unresponsive")
                let problem = try #require(try host.client.mounts().mounts.first?.mount.problem)
                #expect(problem.detail.contains("not connected"), "\(problem.detail)")
                #expect(try host.managedMounts().map(\.id) == mounts)
                try host.stopDaemon()
                // One that may finds it at its start.
                try host.remountState(readOnly: false)
                try host.startDaemon(settings: HungServers.settings)
                try host.waitUntil("it is mounted anew") {
                    try HungServers.mountID(of: host) != id && host.state() == "mounted"
                }
                try host.detach("vm-1", from: server.source)
                try host.expectNoHelpers()
                try host.stopDaemon()
                host.unmountState()
            }
        }

        @Test func whatIsInUseAndHangsIsParkedUntilItsUserHasLeft() throws {
            try TestHost.run(start: false) { host in
                let (server, path) = try HungServers.mounted(by: host)
                let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                try #require(folder >= 0)
                server.server.freeze()
                #expect(try host.detach("vm-1", from: server.source).mountState == "absent")
                #expect(try host.client.mounts().mounts.isEmpty)
                #expect(try host.client.doctor().findings.map(\.code).contains("mount_parked"))
                server.server.thaw()
                // Its place is free, although it is in use still.
                try host.attach("vm-1", to: server.source, type: "sshfs", options: server.options)
                try host.detach("vm-1", from: server.source)
                #expect(try host.mounts(beneath: "run/parking").count == 1)
                // A daemon that starts takes it over.
                try host.killDaemon()
                try host.startDaemon(settings: HungServers.settings)
                close(folder)
                try host.waitUntil("it has ended") { try host.mounts(beneath: "run/parking").isEmpty }
                try host.expectNoHelpers()
            }
        }

        @Test func thoseWhoWaitForAServerShareItsFailureAndOthersPass() throws {
            try TestHost.run(start: false) { host in
                try host.startDaemon(
                    settings: "threads = 3\noperation_deadline_seconds = 3\n[limits]\noperations_per_server = 2")
                let server = try SSHServer(in: host.folder)
                server.server.freeze()
                let waiting = DispatchGroup()
                let codes = Codes()
                // Two of one mount, and more mounts of the server than there may be builds at all.
                for (consumer, folder) in [("a", ""), ("b", ""), ("a", "/1"), ("a", "/2"), ("a", "/3")] {
                    waiting.enter()
                    Thread.detachNewThread { [source = server.source, options = server.options] in
                        let problem = try? host.attachProblem(
                            consumer, to: source + folder, type: "sshfs", options: options)
                        codes.append(problem?.code ?? "none")
                        waiting.leave()
                    }
                }
                try host.waitUntil("two of them are mounting, and the others wait") {
                    try host.client.status().limits["builds"]?.used == 2
                        && host.client.mounts().mounts.count == 4
                }
                try host.attach("vm-3", to: "data", type: "tmpfs", timeout: 2)
                try host.detach("vm-3", from: "data")
                waiting.wait()
                #expect(codes.all == Array(repeating: "timed_out", count: 5))
                #expect(try host.client.mounts().mounts.isEmpty)
                try host.expectNoHelpers()
                server.server.thaw()
            }
        }

        /// Everything that has a deadline has a short one.
        private static let settings = """
            operation_deadline_seconds = 10
            [probe]
            interval_seconds = 1
            timeout_seconds = 1

            """

        /// Starts the daemon with those, and attaches a folder of a server of its own.
        private static func mounted(
            by host: TestHost, more: String = ""
        ) throws -> (server: SSHServer, path: String) {
            try host.startDaemon(settings: settings + more)
            let server = try SSHServer(in: host.folder)
            let path = try host.attach("vm-1", to: server.source, type: "sshfs", options: server.options).path
            return (server, path)
        }

        /// The id of the only mount, which the kernel gives no other one: those in mountinfo come again.
        private static func mountID(of host: TestHost) throws -> UInt64 {
            try #require(try host.client.mounts().mounts.first?.mount.kernelMountID)
        }

        /// A process that waits for the filesystem.
        private static func user(of path: String) throws -> Process {
            let user = Process()
            user.executableURL = URL(filePath: "/usr/bin/stat")
            user.arguments = ["-f", path]
            user.standardOutput = FileHandle.nullDevice
            user.standardError = FileHandle.nullDevice
            try user.run()
            let deadline = ContinuousClock.now + .seconds(30)
            let stack = "/proc/\(user.processIdentifier)/stack"
            while try !String(contentsOfFile: stack, encoding: .utf8).contains("fuse") {
                try #require(ContinuousClock.now < deadline, "it does not wait")
                usleep(1_000)
            }
            return user
        }
    }
}

// SAFETY: what changes is touched only while `lock` is held.
private final class Codes: @unchecked Sendable {
    private let lock = NSLock()
    private var codes: [String] = []

    func append(_ code: String) { lock.withLock { codes.append(code) } }

    var all: [String] { lock.withLock { codes } }
}
