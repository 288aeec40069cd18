// SPDX-License-Identifier: Apache-2.0

import Filesystems
import MountModel
import Testing

@Suite struct ExplanationTests {
    private func explanation(
        _ type: String, _ options: [String], source: String? = nil, secrets: [String: Secret] = [:]
    ) throws -> MountExplanation {
        let canonical = try catalog.source(
            type: FilesystemType(rawValue: type), source: source ?? sample(type).source, options: options,
            secrets: secrets)
        return try catalog.explanation(of: canonical, askedFor: options)
    }

    @Test func eachOptionIsWhereItGoes() throws {
        let tmpfs = try explanation("tmpfs", ["size=1m", "noexec", "rw", "nosuid", "defaults"])
        #expect(tmpfs.method == .kernel && tmpfs.program == nil && tmpfs.server == nil)
        #expect(tmpfs.superblock == ["size=1048576"])
        #expect(tmpfs.mount == ["nosuid", "nodev", "noexec"])
        #expect(tmpfs.added == ["nodev"])
        #expect(tmpfs.ignored == ["rw", "nosuid", "defaults"])
    }

    @Test func whatIsReadOnlyAnywayIsAddedOnce() throws {
        let image = try explanation("squashfs", [])
        #expect(image.method == .deviceOrImage)
        #expect(image.superblock.contains("ro") && image.mount == ["nosuid", "nodev", "ro"])
        #expect(image.added.filter { $0 == "ro" }.count == 1)
        let asked = try explanation("ext4", ["ro"])
        #expect(asked.superblock.contains("ro") && asked.mount.contains("ro"))
        #expect(!asked.added.contains("ro") && asked.ignored == [])
    }

    @Test func aHelperIsNamedWithItsServer() throws {
        let share = try explanation("nfs", ["vers=4.2"], source: "Server:/export/")
        #expect(share.method == .helper && share.program == "mount.nfs" && share.kernelSuffices)
        #expect(share.server == "server")
        // The default, asked for.
        #expect(share.superblock == ["vers=4.2"] && share.ignored == ["vers=4.2"])
        #expect(share.added == ["nosuid", "nodev"])
        #expect(try explanation("nfs", ["vers=3"]).kernelSuffices == false)
        #expect(try explanation("bind", []).method == .bind)
        let external = try explanation("gpfs", [])
        #expect(external.method == .external && external.mount == [] && external.added == [])
    }

    @Test func aSecretIsNeverShown() throws {
        let inline = try explanation("sshfs", [], secrets: ["IdentityFile": Secret("hunter2")])
        #expect(inline.superblock.contains("IdentityFile=***"))
        #expect(!inline.added.contains { $0.contains("IdentityFile") })
        #expect(!"\(inline)".contains("hunter2"))
        #expect(try explanation("sshfs", ["IdentityFile=/etc/k"]).superblock.contains("IdentityFile=/etc/k"))
    }

    @Test(arguments: builtInTypes)
    func everyTypeHasOneAndWhatIsAddedIsThere(type: String) throws {
        let explanation = try explanation(type, sample(type).options)
        #expect(Set(explanation.added).isSubset(of: explanation.superblock + explanation.mount))
        #expect(explanation.mount.isEmpty == (type == "gpfs"))
        #expect(!explanation.superblock.contains { $0.hasPrefix("source=") })
        #expect((explanation.program != nil) == (explanation.method == .helper))
    }
}
