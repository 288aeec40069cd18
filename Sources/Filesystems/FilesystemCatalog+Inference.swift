// SPDX-License-Identifier: Apache-2.0

public import MountModel

extension FilesystemCatalog {
    /// The type that a source's spelling alone gives away; nil where somebody must look at what is there.
    ///
    /// `host:/export` is nfs, `//server/share` is cifs, `user@host:/folder` is sshfs, `https://host` is davfs, and the
    /// name of a type whose source is only a name is that type.
    public func inferType(from source: String) -> FilesystemType? {
        let bytes = source.utf8
        if bytes.starts(with: "//".utf8) { return FilesystemType(rawValue: "cifs") }
        if bytes.first == UInt8(ascii: "/") { return nil }
        if let entry = entries.first(where: { $0.source == .name && $0.type.rawValue.utf8.elementsEqual(bytes) }) {
            return entry.type
        }
        if WebAddress.scheme(of: source) != nil { return FilesystemType(rawValue: "davfs") }
        // A host ends at the first '/', with a ':' before it; an IPv6 address has more of them, so they are not
        // counted.
        guard let slash = bytes.firstIndex(of: UInt8(ascii: "/")), slash > bytes.startIndex else { return nil }
        let host = bytes[..<slash]
        guard host.last == UInt8(ascii: ":"), host.count > 1 else { return nil }
        return FilesystemType(rawValue: host.contains(UInt8(ascii: "@")) ? "sshfs" : "nfs")
    }

    /// The type that mounts what carries a signature of this name; nil if there is none.
    ///
    /// The names are those of the program or code that read the first blocks: `ext4`, `xfs`, `vfat`…; `folder` stands
    /// for a folder of a mounted filesystem.
    public func type(forSignature signature: String) -> FilesystemType? {
        guard let name = Self.signatures[signature] else { return nil }
        return entries.first { $0.type.rawValue == name }?.type
    }

    /// ext2 and ext3 are mounted by the driver of ext4 (CONFIG_EXT4_USE_FOR_EXT2; ext3's own driver left with kernel
    /// 4.3).
    private static let signatures: [String: String] = [
        "folder": "bind",
        "ext2": "ext4", "ext3": "ext4", "ext4": "ext4",
        "xfs": "xfs",
        "btrfs": "btrfs",
        "vfat": "vfat", "fat12": "vfat", "fat16": "vfat", "fat32": "vfat", "msdos": "vfat",
        "squashfs": "squashfs",
        "erofs": "erofs",
    ]
}
