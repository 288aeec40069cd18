// SPDX-License-Identifier: Apache-2.0

import Filesystems
import Foundation
import LinuxMount
import Logging
import MountManager
import MountModel
import MountTestSupport
import SystemPackage
import Testing

// The code of docs/library.md, word for word; a test holds it there.
// begin
func useImage(_ path: String, folder: String) async throws {
    var options = LinuxHost.Options(
        stateFolder: try Mountpoint(folder + "/state"), runtimeFolder: try Mountpoint(folder + "/run"),
        mountRoot: try Mountpoint(folder + "/mounts"))
    options.allowsPrivateNamespace = true
    let host = try LinuxHost(options, logger: Logger(label: "example"))
    try await host.start()
    let source = try FilesystemCatalog.standard.source(
        type: FilesystemType(rawValue: "ext4"), source: path, options: ["ro"])
    let key = AttachmentKey(volume: .whole, consumer: try Consumer("job-1"))
    let attached = try await host.manager.attach(AttachOrder(source: source, key: key, owner: 0))
    print(attached.mount.mountpoint)
    _ = try await host.manager.detach(key, from: attached.mount.mountpoint, owner: 0)
    try await host.stop()
}
// end

@Suite struct LibraryTests {
    @Test func theLibraryMountsAndUnmountsWithoutADaemon() async throws {
        try PrivateNamespace.require()
        var template = Array("/tmp/holdfast-library-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try #require(chmod(folder, 0o755) == 0)
        let image = folder + "/disk.img"
        try Program.run("/usr/bin/truncate", "-s", "8M", image)
        try Program.run("/usr/sbin/mkfs.ext4", "-q", image)
        try await useImage(image, folder: folder)
        let left = try MountTable(.mountinfo).entries(beneath: FilePath(folder))
        #expect(left.isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/mounts").isEmpty)
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test func withoutAWorkerATypeWithAHelperProgramIsUnsupported() async throws {
        try PrivateNamespace.require()
        try await TemporaryFolder.with { folder in
            var options = LinuxHost.Options(
                stateFolder: try Mountpoint("\(folder)/state"), runtimeFolder: try Mountpoint("\(folder)/run"),
                mountRoot: try Mountpoint("\(folder)/mounts"))
            options.allowsPrivateNamespace = true
            let host = try LinuxHost(options, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            try await host.start()
            let source = try FilesystemCatalog.standard.source(
                type: FilesystemType(rawValue: "sshfs"), source: "host:/srv", options: [])
            let order = AttachOrder(
                source: source, key: AttachmentKey(volume: .whole, consumer: try Consumer("job-1")), owner: 0)
            let error = await #expect(throws: MountError.self) { _ = try await host.manager.attach(order) }
            #expect(error?.code == .unsupported)
            #expect(error?.message.contains("sshfs (a helper program needs a worker process for itself)") == true)
            #expect(error?.hint?.contains("LinuxHost.Options.workerProgram") == true)
            try await host.stop()
        }
    }

    @Test func theDocumentShowsThisCode() throws {
        let tests = URL(fileURLWithPath: #filePath)
        let own = try String(contentsOf: tests, encoding: .utf8)
        let page = tests.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("docs/library.md")
        let document = try String(contentsOf: page, encoding: .utf8)
        let parts = own.components(separatedBy: "// begin\n")
        let code = try #require(parts.dropFirst().first?.components(separatedBy: "// end\n").first)
        #expect(document.contains(code))
    }
}
