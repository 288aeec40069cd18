// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import MountTestSupport
import Testing

extension RealDaemon {
    /// What the daemon takes on, as it is configured, and how long a command waits.
    @Suite struct Limits {
        private func start(_ host: TestHost, limits: String) throws {
            try host.startDaemon(settings: "[limits]\n" + limits + "\n")
        }

        @Test func whatIsConfiguredHoldsAndTheStatusShowsIt() throws {
            try TestHost.run(start: false) { host in
                try start(host, limits: "mounts = 2\nattachments = 3")
                try host.attach("vm-1", to: "a", type: "tmpfs")
                try host.attach("vm-1", to: "b", type: "tmpfs")
                let mounts = try host.attachProblem("vm-1", to: "c", type: "tmpfs")
                #expect(mounts?.code == "resource_exhausted")
                #expect(mounts?.detail.contains("there are 2 mounts already") == true)
                #expect(mounts?.hint?.contains("'mounts' under [limits]") == true)
                try host.attach("vm-2", to: "a", type: "tmpfs")
                #expect(try host.attachProblem("vm-3", to: "a", type: "tmpfs")?.code == "resource_exhausted")
                let limits = try host.client.status().limits
                #expect(limits["mounts"] == LimitUse(used: 2, limit: 2))
                #expect(limits["attachments"] == LimitUse(used: 3, limit: 3))
                #expect(limits["waiting_attaches"] == LimitUse(used: 0, limit: 16_384))
                #expect(limits["builds"] == LimitUse(used: 0, limit: 16))
                #expect(limits["table_operations"] == LimitUse(used: 0, limit: 16))
                #expect(limits["looks"] == LimitUse(used: 0, limit: 4))
                #expect(limits["connections"] == LimitUse(used: 1, limit: 1024))
                #expect(try host.managedMounts().count == 2)
                try host.detach("vm-1", from: "b")
                try host.attach("vm-1", to: "c", type: "tmpfs")
                for (consumer, source) in [("vm-1", "a"), ("vm-2", "a"), ("vm-1", "c")] {
                    try host.detach(consumer, from: source)
                }
            }
        }

        @Test func noRequestWaitsLongerThanIsConfigured() throws {
            try TestHost.run(start: false) { host in
                try start(host, limits: "request_timeout_seconds = 1")
                let path = try host.attach("vm-1", to: "data", type: "tmpfs", at: "point").path
                let file = open(path + "/file", O_CREAT | O_RDWR, 0o600)
                try #require(file >= 0)
                let clock = ContinuousClock()
                let start = clock.now
                // Lingers: a detach waits for rest, and no longer than the daemon lets it.
                let selector = DetachSelector(source: "data", consumer: "vm-1")
                #expect(try host.client.detach(selector, timeoutSeconds: 600).mountState == "lingering")
                #expect(clock.now - start < .seconds(5))
                close(file)
                try host.waitForState("absent")
            }
        }

        @Test(arguments: [
            ("mounts = 0", "mounts of limits is 0"), ("mounts = 1000001", "1 to 1000000 are allowed"),
            ("attachments = -1", "attachments of limits is -1"), ("operations = 0", "1 to 100000 are allowed"),
            ("waiting_requests = 0", "waiting_requests of limits is 0"),
            ("waiting_per_mountpoint = 1000001", "waiting_per_mountpoint of limits is 1000001"),
            ("request_timeout_seconds = 86401", "1 to 86400 are allowed"),
            ("mount = 5", "there is no setting 'mount'"),
            // The parser would end the process at these.
            ("[/srv/x]", "line 2, column 2: a table's name cannot begin so"),
            ("[=]", "line 2, column 2"), ("[ ", "line 2, column 3"),
            ("  [ [ [a]]]", "line 2, column 7"), ("[#", "line 2, column 2"),
            ("mounts = 5\n[", "line 3"), ("[[", "line 2"), ("[]", "line 2"), ("['", "line 2"), ("[a.=]", "line 2"),
            ("[a.]", "line 2"), ("[a]b", "line 2"), ("[a", "line 2"), ("=", "line 2"), ("a.[", "line 2"),
        ])
        func aLimitThatMakesNoSenseIsRefused(_ text: String, _ complaint: String) throws {
            try TestHost.run(start: false) { host in
                try start(host, limits: text)
                #expect(try host.daemon?.exitStatus() == 65)
                #expect(host.daemon?.log.contains(complaint) == true, "\(host.daemon?.log ?? "")")
                try host.killDaemon()
            }
        }

        @Test func theLeastAndTheGreatestAreTaken() throws {
            try TestHost.run(start: false) { host in
                for text in [
                    "mounts = 1\nattachments = 1\noperations = 1\nwaiting_requests = 1\nwaiting_per_mountpoint = 1\n"
                        + "request_timeout_seconds = 1",
                    "mounts = 1000000\nattachments = 10000000\noperations = 100000\nwaiting_requests = 1000000\n"
                        + "waiting_per_mountpoint = 1000000\nrequest_timeout_seconds = 86400",
                ] {
                    try start(host, limits: text)
                    #expect(try host.attach("vm-1", to: "data", type: "tmpfs").created)
                    #expect(try host.detach("vm-1", from: "data").mountState == "absent")
                    try host.stopDaemon()
                }
            }
        }

        /// Each arena of the allocator keeps the most that it ever needed.
        @Test func manyThreadsShareFewArenas() throws {
            try TestHost.run { host in
                let daemon = try #require(host.daemon)
                DispatchQueue.concurrentPerform(iterations: 16) { number in
                    for _ in 0..<10 {
                        _ = try? host.attach("vm-\(number)", to: "data-\(number % 4)", type: "tmpfs")
                        _ = try? host.detach("vm-\(number)", from: "data-\(number % 4)")
                    }
                }
                let maps = try String(contentsOfFile: "/proc/\(daemon.pid)/maps", encoding: .utf8)
                #expect(try arenas(in: maps) <= 3, "\(maps)")
            }
        }

        /// How many there are beside the first: each lies in 64 MiB of addresses, of which only the beginning is used.
        private func arenas(in maps: String) throws -> Int {
            let areas = maps.split(separator: "\n").map { $0.split(separator: " ", omittingEmptySubsequences: true) }
            return try zip(areas, areas.dropFirst()).count { area, next in
                guard area[1] == "rw-p", area.count == 5, next[1] == "---p" else { return false }
                let (used, unused) = (area[0].split(separator: "-"), next[0].split(separator: "-"))
                let start = try #require(Int(used[0], radix: 16))
                let end = try #require(Int(unused[1], radix: 16))
                return used[1] == unused[0] && end - start == 64 << 20
            }
        }

        /// The command's own clock ends it where the daemon's does not run.
        @Test(arguments: [
            ["attach", "data", "--consumer", "vm-1", "--type", "tmpfs", "--timeout", "1s"],
            ["detach", "data", "--consumer", "vm-1", "--timeout", "1s"],
        ])
        func aStoppedDaemonHoldsACommandNoLongerThanItsTimeAndTwoSeconds(_ arguments: [String]) throws {
            try TestHost.run { host in
                let daemon = try #require(host.daemon)
                daemon.signal(SIGSTOP)
                defer { daemon.signal(SIGCONT) }
                let clock = ContinuousClock()
                let start = clock.now
                let process = Process()
                process.executableURL = host.command
                process.arguments = arguments + ["--socket", host.folder + "/run/holdfast.sock"]
                let errors = Pipe()
                process.standardError = errors
                try process.run()
                let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
                process.waitUntilExit()
                let took = clock.now - start
                #expect(process.terminationStatus == 75)
                #expect(text.contains("the daemon did not answer within 3 s"), "\(text)")
                #expect(took >= .seconds(3) && took < .seconds(5), "\(took)")
                // What it has read goes on when it is let go: the client that hung up has withdrawn it.
                daemon.signal(SIGCONT)
                while try !host.client.mounts().mounts.isEmpty { try host.detach("vm-1", from: "data") }
            }
        }
    }
}
