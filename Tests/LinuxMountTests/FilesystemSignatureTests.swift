// SPDX-License-Identifier: Apache-2.0

import Foundation
import LinuxMount
import MountTestSupport
import SystemPackage
import Testing

@Suite struct FilesystemSignatureTests {
    @Test(arguments: [
        (FilesystemSignature.ext4, ["mkfs.ext4", "-q", "IMAGE"]),
        (.ext4, ["mkfs.ext4", "-q", "-t", "ext2", "IMAGE"]),
        (.ext4, ["mkfs.ext4", "-q", "-b", "1024", "IMAGE"]),
        (.xfs, ["mkfs.xfs", "-q", "IMAGE"]),
        (.btrfs, ["mkfs.btrfs", "-q", "IMAGE"]),
        (.vfat, ["mkfs.vfat", "-F", "12", "IMAGE", "8192"]),
        (.vfat, ["mkfs.vfat", "-F", "16", "IMAGE"]),
        (.vfat, ["mkfs.vfat", "-F", "32", "IMAGE"]),
        (.squashfs, ["mksquashfs", "TREE", "IMAGE", "-quiet", "-noappend", "-no-progress"]),
        (.erofs, ["mkfs.erofs", "IMAGE", "TREE"]),
    ])
    func `What the filesystem's own tool makes is recognised, and nothing else in it`(
        type: FilesystemSignature, command: [String]
    ) async throws {
        try await HostFolder.with { folder in
            let image = try folder.makeFile("image", size: 320 << 20)
            let tree = try folder.makeFolder("tree")
            let arguments = command.map { ["IMAGE": image.string, "TREE": tree.string][$0] ?? $0 }
            try Program.run(arguments)
            #expect(try Self.all(on: image) == [type])
            #expect(try Self.detect(on: image) == type)
        }
    }

    @Test func `Bytes at their places are all that counts`() async throws {
        let cases: [([(offset: Int, bytes: [UInt8])], [FilesystemSignature])] = [
            ([], []),
            ([(1080, [0x53, 0xef])], [.ext4]),
            ([(1080, [0xef, 0x53])], []),
            ([(1081, [0x53, 0xef])], []),
            ([(0, Array("XFSB".utf8))], [.xfs]),
            ([(65600, Array("_BHRfS_M".utf8))], [.btrfs]),
            ([(0, Array("hsqs".utf8))], [.squashfs]),
            ([(0, Array("sqsh".utf8))], []),
            ([(1024, [0xe2, 0xe1, 0xf5, 0xe0])], [.erofs]),
            ([(82, Array("FAT32   ".utf8)), (510, [0x55, 0xaa])], [.vfat]),
            ([(54, Array("FAT12   ".utf8)), (510, [0x55, 0xaa])], [.vfat]),
            ([(82, Array("FAT32   ".utf8))], []),
            ([(510, [0x55, 0xaa])], []),
            ([(82, Array("FAT32   ".utf8)), (510, [0x55, 0xaa]), (1080, [0x53, 0xef])], [.ext4, .vfat]),
            ([(0, Array("XFSB".utf8)), (65600, Array("_BHRfS_M".utf8))], [.xfs, .btrfs]),
        ]
        try await HostFolder.with { folder in
            for (index, (pieces, types)) in cases.enumerated() {
                let image = try folder.makeFile("image\(index)", size: 1 << 17, pieces)
                #expect(try Self.all(on: image) == types, "case \(index)")
                #expect(try Self.detect(on: image) == (types.count == 1 ? types[0] : nil), "case \(index)")
            }
        }
    }

    @Test(arguments: [0, 1, 3, 4, 100, 1023, 1081, 1082, 65607])
    func `A file that ends before or in the magic number has none`(size: Int) async throws {
        try await HostFolder.with { folder in
            let pieces: [(offset: Int, bytes: [UInt8])] = [
                (0, Array("XFSB".utf8)), (1080, [0x53, 0xef]), (65600, Array("_BHRfS_M".utf8)),
            ]
            let image = try folder.makeFile("image", size: 1 << 17, pieces)
            try #require(truncate(image.string, off_t(size)) == 0)
            var expected: [FilesystemSignature] = size >= 1082 ? [.ext4] : []
            if size >= 4 { expected.append(.xfs) }
            #expect(try Self.all(on: image) == expected)
        }
    }

    @Test func `A folder is the kernel's error, not a missing type`() throws {
        let folder = OwnedDescriptor(owning: open("/", O_RDONLY | O_CLOEXEC))
        let error = #expect(throws: SystemCallError.self) { try FilesystemSignature.detect(on: folder) }
        #expect(error?.errno == .isDirectory)
    }

    private static func all(on path: FilePath) throws -> [FilesystemSignature] {
        try FilesystemSignature.all(on: LoopDevice.openImage(path, readOnly: true))
    }

    private static func detect(on path: FilePath) throws -> FilesystemSignature? {
        try FilesystemSignature.detect(on: LoopDevice.openImage(path, readOnly: true))
    }
}
