// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import LinuxMount
import MountTestSupport
import SystemPackage
import Testing

extension RealDaemon {
    /// s3fs, davfs2 and GlusterFS, each against a real server.
    @Suite struct FusePrograms {
        @Test func aBucketIsMountedByS3fsAndItsKeyIsNowhereToBeRead() throws {
            try TestHost.run { host in
                let server = try S3Server(in: host.folder)
                let path = try host.attach("vm-1", to: "data", type: "s3fs", options: server.options).path
                #expect(try host.attach("vm-2", to: "data:/", type: "s3fs", options: server.options).path == path)
                #expect(try host.managedMounts().map(\.filesystemType) == ["fuse.s3fs"])
                try "hello".write(toFile: path + "/file", atomically: false, encoding: .utf8)
                #expect(try host.places(of: [server.key]) == [])
                try host.killDaemon()
                try host.startDaemon()
                #expect(try String(contentsOfFile: path + "/file", encoding: .utf8) == "hello")
                #expect(try host.client.verify().mounts.map(\.result) == ["ok"])
                for consumer in ["vm-1", "vm-2"] { try host.detach(consumer, from: "data") }
                try host.expectNoHelpers()
                // The server has it, not this host.
                let again = try host.attach("vm-1", to: "data", type: "s3fs", options: server.options).path
                #expect(try String(contentsOfFile: again + "/file", encoding: .utf8) == "hello")
                try host.detach("vm-1", from: "data")
                try host.expectNoHelpers()
            }
        }

        /// s3fs says that it has mounted before it has asked for the bucket.
        @Test func aBucketThatIsNotThereIsNoMount() throws {
            try TestHost.run { host in
                let server = try S3Server(in: host.folder)
                let problem = try host.attachProblem("vm-1", to: "no-bucket", type: "s3fs", options: server.options)
                #expect(problem?.code == "mount_failed")
                #expect(problem?.detail.contains("s3fs: ") == true, "\(problem?.detail ?? "")")
                try host.expectNoHelpers()
                #expect(try host.client.mounts().mounts.isEmpty)
            }
        }

        private func secrets(_ host: TestHost, _ server: WebDAVServer, _ password: String) throws -> String {
            let file = host.folder + "/secrets"
            try "http://127.0.0.1:\(server.port)/data bob \(password)\n".write(
                toFile: file, atomically: false, encoding: .utf8)
            try #require(chmod(file, 0o600) == 0)
            return file
        }

        @Test func aWebDAVFolderIsMountedByDavfs2TwoAtATime() throws {
            try TestHost.run { host in
                let server = try WebDAVServer(in: host.folder)
                let options = ["secrets=\(try secrets(host, server, server.password))"]
                let source = "http://127.0.0.1:\(server.port)/data"
                try "hello".write(toFile: server.folder + "/files/data/file", atomically: false, encoding: .utf8)
                let path = try host.attach("vm-1", to: source + "/", type: "davfs", options: options).path
                #expect(try String(contentsOfFile: path + "/file", encoding: .utf8) == "hello")
                #expect(try host.managedMounts().map(\.filesystemType) == ["fuse"])
                // Its files in /run are named after the mountpoint, which all have in common.
                let again = try host.attach("vm-2", to: source, type: "davfs", options: options, at: "again").path
                #expect(try String(contentsOfFile: again + "/file", encoding: .utf8) == "hello")
                #expect(try host.places(of: [server.password]) == [])
                for (consumer, place) in [("vm-1", path), ("vm-2", again)] {
                    _ = try host.client.detach(DetachSelector(source: source, consumer: consumer, at: place))
                }
                try host.expectNoHelpers()
            }
        }

        @Test func aWrongPasswordIsToldByDavfs2AndNeverShown() throws {
            try TestHost.run { host in
                let server = try WebDAVServer(in: host.folder)
                let wrong = "wrong-\(UUID().uuidString)"
                let problem = try #require(
                    try host.attachProblem(
                        "vm-1", to: "http://127.0.0.1:\(server.port)/data", type: "davfs",
                        options: ["secrets=\(try secrets(host, server, wrong))"]))
                #expect(problem.code == "mount_failed" && problem.detail.contains("mount.davfs"), "\(problem.detail)")
                #expect(!String(decoding: try JSONEncoder().encode(problem), as: UTF8.self).contains(wrong))
                #expect(try host.places(of: [wrong]) == [])
                try host.expectNoHelpers()
            }
        }

        @Test func aVolumeOfGlusterFSIsMountedAndAFolderOfIt() throws {
            try TestHost.run { host in
                let server = try GlusterServer(in: host.folder)
                let path = try host.attach("vm-1", to: server.source, type: "glusterfs").path
                try FileManager.default.createDirectory(atPath: path + "/sub", withIntermediateDirectories: true)
                try "hello".write(toFile: path + "/sub/file", atomically: false, encoding: .utf8)
                #expect(try host.managedMounts().map(\.filesystemType) == ["fuse.glusterfs"])
                let sub = try host.attach("vm-2", to: server.source + "/sub", type: "glusterfs", options: ["ro"]).path
                #expect(try String(contentsOfFile: sub + "/file", encoding: .utf8) == "hello")
                #expect(open(sub + "/file", O_WRONLY) < 0 && errno == EROFS)
                for source in [GlusterServer.address + ":/no-volume", server.source + "/no-folder"] {
                    let problem = try host.attachProblem("vm-3", to: source, type: "glusterfs")
                    #expect(problem?.code == "mount_failed", "\(source)")
                }
                try host.detach("vm-1", from: server.source)
                try host.detach("vm-2", from: server.source + "/sub")
                try host.expectNoHelpers()
                _ = consume server
            }
        }
    }
}
