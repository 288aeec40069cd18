// SPDX-License-Identifier: Apache-2.0

import MountModel
import MountTestSupport
import SystemPackage

/// What the scenarios mount.
enum Source: String, Sendable, CaseIterable, CustomStringConvertible {
    case tmpfs, readOnlyTmpfs = "read-only tmpfs", folder, missingFolder = "missing folder"
    case fileAsFolder = "file as a folder"
    case ext4, squashfs, missingImage = "missing image", folderAsImage = "folder as an image"
    case garbage, otherType = "image of another type", unknownOption = "unknown option"

    var description: String { rawValue }

    /// As it is asked for in a world at this folder.
    func mountSource(in folder: FilePath) -> MountSource {
        func source(_ type: String, _ path: FilePath, _ options: [MountOption] = []) -> MountSource {
            MountSource(
                type: FilesystemType(rawValue: type), source: folder.appending(path.components).string,
                options: options)
        }
        return switch self {
        case .tmpfs: MountSource(type: FilesystemType(rawValue: "tmpfs"), source: "data", options: [])
        case .readOnlyTmpfs:
            MountSource(type: FilesystemType(rawValue: "tmpfs"), source: "data", options: [MountOption("ro")])
        case .unknownOption:
            MountSource(type: FilesystemType(rawValue: "tmpfs"), source: "data", options: [MountOption("nosuch")])
        case .folder: source("bind", "source")
        case .missingFolder: source("bind", "source/missing")
        case .fileAsFolder: source("bind", "source/file")
        case .ext4: source("ext4", "source/ext4.img")
        case .squashfs: source("squashfs", "source/squashfs.img")
        case .missingImage: source("ext4", "source/missing.img")
        case .folderAsImage: source("ext4", "source")
        case .garbage: source("ext4", "source/garbage.img")
        case .otherType: source("squashfs", "source/ext4.img")
        }
    }

    /// The files that both worlds have in their folder `source`.
    static let files: [(name: String, content: SimulatedSource)] = [
        ("file", .garbage), ("ext4.img", .filesystem("ext4")), ("squashfs.img", .filesystem("squashfs")),
        ("garbage.img", .garbage),
    ]
}
