// SPDX-License-Identifier: Apache-2.0

import Foundation
import MountTestSupport

/// The images that scenarios mount, made once.
enum Images {
    /// Their bytes by name.
    static func files() throws -> [String: [UInt8]] { try made.get() }

    private static let made = Result { try make() }

    private static func make() throws -> [String: [UInt8]] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "holdfast-images-\(UUID())")
        try FileManager.default.createDirectory(at: folder.appending(path: "empty"), withIntermediateDirectories: true)
        defer { _ = try? FileManager.default.removeItem(at: folder) }
        let ext4 = folder.appending(path: "ext4.img").path
        try Program.run("truncate", "-s", "1M", ext4)
        try Program.run("mkfs.ext4", "-q", "-O", "^has_journal", "-b", "1024", ext4)
        let squashfs = folder.appending(path: "squashfs.img").path
        try Program.run("mksquashfs", folder.appending(path: "empty").path, squashfs, "-quiet", "-no-progress")
        return try [
            "ext4.img": Array(Data(contentsOf: URL(filePath: ext4))),
            "squashfs.img": Array(Data(contentsOf: URL(filePath: squashfs))),
            "garbage.img": [UInt8](repeating: 0x55, count: 65536), "file": [],
        ]
    }
}
