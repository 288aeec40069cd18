// SPDX-License-Identifier: Apache-2.0

import Filesystems
import LinuxMount
import MountManager
import MountModel
import MountWorker
import SystemPackage
import Testing

@Suite struct RefusalTests {
    @Test func theConflictWithAMountAboveIsTheRequests() async throws {
        let harness = try await ManagerHarness()
        try await harness.attach("vm-1")
        let asked = MountSource(type: FilesystemType(rawValue: "ext4"), source: "/disk.img", options: [])
        let error = try #require(try await harness.attachError("vm-2", to: asked, at: "/root/data/a/b"))
        #expect(error.code == .conflict)
        #expect(error.message.contains("beneath /root/data, where tmpfs data is mounted"))
        #expect(error.context.type == "ext4")
        #expect(error.context.source == "/disk.img")
        #expect(error.context.target == "/root/data/a/b")
    }

    @Test func aTypeOfTheAdministratorsHasTheHintsOfThoseThatHaveServers() throws {
        let catalog = try FilesystemCatalog.standard.adding([
            TypeDefinition(
                name: "beegfs", kind: "helper", filesystem: nil, program: nil, source: "name", options: [])
        ])
        let source = MountSource(type: FilesystemType(rawValue: "beegfs"), source: "cluster", options: [])
        let error = MountError.mounting(
            source, failed: SystemCallError("getaddrinfo", .noRouteToHost, on: "cluster"), in: catalog)
        #expect(error.hint?.contains("resolver") == true, "\(error)")
    }

    @Test func theProcessThatHasTheCacheIsNamed() {
        let source = MountSource(type: FilesystemType(rawValue: "rclone"), source: "store:a", options: [])
        let error = MountError.mounting(source, failed: .cacheInUse(by: [4711, 4712]), in: .standard)
        #expect(error.message.contains("4711") && error.message.contains("4712"), "\(error)")
        #expect(error.hint?.contains("kill 4711 4712") == true, "\(error)")
    }

    @Test func aFilesystemThatAnswersADeadlockIsNotHoldfastsOwn() {
        let source = MountSource(type: FilesystemType(rawValue: "bind"), source: "/fuse/folder", options: [])
        let error = MountError.mounting(
            source, failed: SystemCallError("openat2", .deadlock, on: "/fuse/folder"), in: .standard)
        #expect(error.code == .mountFailed)
        #expect(error.context.errno == Errno.deadlock.rawValue)
    }

    @Test func aProgramThatMissesRpcStatdIsNoMatterOfServerOrCredentials() throws {
        let source = MountSource(type: FilesystemType(rawValue: "nfs"), source: "s:/a", options: [])
        let words = [
            "mount.nfs: rpc.statd is not running but is required for remote locking.", "mount.nfs: Either use",
        ]
        for (output, expected) in [(words, "start rpc.statd on this host"), (["refused"], "is the server reached")] {
            let failure = HelperFailure(program: "mount.nfs", status: 32, output: output)
            let hint = try #require(MountError.mounting(source, failed: .helper(failure), in: .standard).hint)
            #expect(hint.hasPrefix(expected), "\(hint)")
        }
    }
}
