// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import LinuxMount
import MountTestSupport
import Testing

extension RealDaemon {
    /// Filesystems that rclone mounts, against its own WebDAV server.
    @Suite struct Rclone {
        @Test func twoUseOneMountWhichOutlivesTheDaemon() throws {
            try TestHost.run { host in
                let server = try WebDAVServer(in: host.folder)
                let (config, obscured) = try server.configuration("rclone.conf", password: server.password)
                let options = ["config=\(config)"]
                let path = try host.attach("vm-1", to: server.source, type: "rclone", options: options).path
                #expect(
                    try host.attach("vm-2", to: server.source, type: "rclone", options: options).path == path)
                let mounts = try host.managedMounts()
                #expect(mounts.map(\.filesystemType) == ["fuse.rclone"])
                // Not only for root, though the daemon's own umask is 077.
                #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o755)
                try "hello".write(toFile: path + "/file", atomically: false, encoding: .utf8)
                try host.waitUntil("the server has the file") {
                    try Data(contentsOf: URL(filePath: server.folder + "/files/data/file")) == Data("hello".utf8)
                }
                try host.killDaemon()
                try host.startDaemon()
                #expect(try host.managedMounts().map(\.id) == mounts.map(\.id))
                #expect(try String(contentsOfFile: path + "/file", encoding: .utf8) == "hello")
                #expect(try host.client.verify().mounts.map(\.result) == ["ok"])
                #expect(try host.places(of: [server.password, obscured]) == [])
                // That the search finds what is there.
                let known = try host.places(of: [config])
                #expect(known.contains("mounts") && known.contains { $0.hasPrefix("state/ledger.sqlite") })
                #expect(try host.places(of: ["--config=/root/config"]) == ["cmdline"])
                try host.detach("vm-1", from: server.source)
                try host.detach("vm-2", from: server.source)
                try host.expectNoHelpers()
            }
        }

        @Test func aWrongPasswordIsToldAndNeverShown() throws {
            try TestHost.run { host in
                let server = try WebDAVServer(in: host.folder)
                let wrong = "wrong-\(UUID().uuidString)"
                let (config, obscured) = try server.configuration("wrong.conf", password: wrong)
                let problem = try #require(
                    try host.attachProblem("vm-1", to: server.source, type: "rclone", options: ["config=\(config)"]))
                #expect(problem.code == "mount_failed")
                #expect(
                    problem.detail.contains("rclone: Failed ") && problem.detail.contains("401"), "\(problem.detail)")
                let said = String(decoding: try JSONEncoder().encode(problem), as: UTF8.self)
                #expect(![wrong, obscured].contains(where: said.contains))
                #expect(try host.places(of: [wrong, obscured]) == [])
                try host.expectNoHelpers()
                #expect(try host.client.mounts().mounts.isEmpty)
            }
        }

        @Test func whatRcloneQuotesOfItsConfigurationIsStarred() throws {
            try TestHost.run { host in
                let secret = "hunter2-\(UUID().uuidString)"
                let config = host.folder + "/odd.conf"
                try "[store]\ntype = \(secret)\n".write(toFile: config, atomically: false, encoding: .utf8)
                try #require(chmod(config, 0o600) == 0)
                let problem = try #require(
                    try host.attachProblem("vm-1", to: "store:data", type: "rclone", options: ["config=\(config)"]))
                #expect(problem.detail.contains("***"), "\(problem.detail)")
                #expect(!String(decoding: try JSONEncoder().encode(problem), as: UTF8.self).contains(secret))
                #expect(try host.places(of: [secret]) == [])
            }
        }

        /// Its manual: two of them with one cache folder damage each other's files.
        @Test func noSecondOneBeginsWhileTheFirstStillHasItsCache() throws {
            try runWithCache { host, server, options, _ in
                let path = try host.attach("vm-1", to: server.source, type: "rclone", options: options).path
                let first = try host.helpers()
                for process in first { kill(process, SIGSTOP) }
                try host.detach("vm-1", from: server.source)
                try host.waitForState("absent")
                #expect(try host.helpers() == first)
                // Another mountpoint has another cache.
                let other = try host.attach(
                    "vm-2", to: server.source, type: "rclone", options: options, at: "other")
                let problem = try host.attachProblem("vm-1", to: server.source, type: "rclone", options: options)
                #expect(
                    problem?.code == "busy" && problem?.detail.contains("its cache") == true, "\(problem?.detail ?? "")"
                )
                #expect(first.contains { problem?.detail.contains("\($0)") == true }, "\(problem?.detail ?? "")")
                for process in first { kill(process, SIGCONT) }
                // While it waits, the first one ends.
                #expect(try host.attach("vm-1", to: server.source, type: "rclone", options: options).path == path)
                try host.detach("vm-1", from: server.source)
                _ = try host.client.detach(
                    DetachSelector(source: server.source, consumer: "vm-2", at: other.path))
                try host.expectNoHelpers()
            }
        }

        @Test func withACacheFilesAreWrittenAnywhere() throws {
            try runWithCache { host, server, options, before in
                let path = try host.attach("vm-1", to: server.source, type: "rclone", options: options).path
                let file = open(path + "/file", O_RDWR | O_CREAT, 0o644)
                try #require(file >= 0)
                #expect(pwrite(file, "world", 5, 6) == 5)
                #expect(pwrite(file, "hello ", 6, 0) == 6)
                #expect(close(file) == 0)
                try host.waitUntil("the server has the file") {
                    (try? Data(contentsOf: URL(filePath: server.folder + "/files/data/file")))
                        == Data("hello world".utf8)
                }
                #expect(caches().subtracting(before).count == 1, "a mount has a cache of its own")
                try host.detach("vm-1", from: server.source)
                try host.expectNoHelpers()
            }
        }

        /// Runs the body with a server and the options with which files are cached, and removes what is cached then.
        private func runWithCache(
            _ body: (TestHost, _ server: WebDAVServer, _ options: [String], _ before: Set<String>) throws -> Void
        ) throws {
            try TestHost.run { host in
                let server = try WebDAVServer(in: host.folder)
                let (config, _) = try server.configuration("rclone.conf", password: server.password)
                let before = caches()
                try body(host, server, ["config=\(config)", "vfs-cache-mode=writes"], before)
                for path in caches().subtracting(before) { try FileManager.default.removeItem(atPath: path) }
            }
        }

        private func caches() -> Set<String> {
            let folder = "/var/cache/holdfast"
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return Set(names.map { "\(folder)/\($0)" })
        }
    }
}
