// SPDX-License-Identifier: Apache-2.0

import Filesystems
import MountModel
import SystemPackage
import Testing

let catalog = FilesystemCatalog.standard

let builtInTypes = [
    "9p", "bind", "btrfs", "ceph", "ceph-fuse", "cifs", "davfs", "erofs", "ext4", "glusterfs", "gpfs", "nfs", "overlay",
    "pstorage", "quobyte", "rclone", "s3fs", "squashfs", "sshfs", "tmpfs", "vfat", "virtiofs", "xfs",
]

/// Those of them that Holdfast mounts.
let mountedTypes = builtInTypes.filter { $0 != "gpfs" }

/// A source that the type accepts, and the options without which it accepts nothing.
func sample(_ type: String) -> (source: String, options: [String]) {
    switch type {
    case "tmpfs": ("scratch", [])
    case "overlay": ("layers", ["lowerdir=/l"])
    case "bind": ("/srv/a", [])
    case "9p", "virtiofs", "gpfs", "pstorage", "quobyte": ("name0", [])
    case "ceph", "ceph-fuse": ("monitor:/", [])
    case "davfs": ("https://server/files", [])
    case "glusterfs": ("server:/volume", [])
    case "s3fs": ("bucket", ["passwd_file=/etc/keys"])
    case "cifs": ("//server/share", ["credentials=/etc/share"])
    case "nfs": ("server:/export", [])
    case "rclone": ("store:bucket", ["config=/etc/rclone.conf"])
    case "sshfs": ("bob@host:/srv", [])
    default: ("/dev/vdb", [])
    }
}

/// Parses with the type's sample source and required options beside the given ones.
func parse(_ type: String, _ options: [String], source: String? = nil) throws(MountError) -> MountSource {
    try catalog.source(
        type: FilesystemType(rawValue: type), source: source ?? sample(type).source,
        options: options + missingRequired(type, options))
}

/// The sample's required options of which none given begins with the name.
private func missingRequired(_ type: String, _ given: [String]) -> [String] {
    sample(type).options.filter { required in
        let name = String(required.prefix { $0 != "=" })
        return !given.contains { $0.hasPrefix(name) }
    }
}

/// The canonical options as text, without the sample's required ones.
func canonical(_ type: String, _ options: [String]) throws -> [String] {
    let required = missingRequired(type, options)
    return try parse(type, options).options.map(\.description).filter { !required.contains($0) }
}

/// What is thrown, or nil.
func refusal(_ type: String, _ options: [String], source: String? = nil) -> MountError? {
    do throws(MountError) {
        _ = try parse(type, options, source: source)
        return nil
    } catch {
        return error
    }
}

/// Whether two sources are the same byte for byte; `==` on text would let two spellings of one letter pass.
func isSame(_ left: MountSource, _ right: MountSource) -> Bool {
    left == right && Array(left.description.utf8) == Array(right.description.utf8)
}
