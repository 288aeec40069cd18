// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// The filesystem types that Holdfast can mount, and what each accepts.
///
/// A value without I/O: nothing here blocks, and whether a path exists is not its question. An administrator's
/// additions make another value of it.
public struct FilesystemCatalog: Sendable {
    /// One entry a type, sorted by name.
    public let entries: [FilesystemEntry]

    /// Makes a catalog of these entries; of two for one type the later one counts.
    public init(entries: [FilesystemEntry]) {
        let byName = Dictionary(entries.map { ($0.type, $0) }, uniquingKeysWith: { _, later in later })
        self.entries = byName.values.sorted { $0.type < $1.type }
    }

    /// The types that are built in.
    public static let standard = FilesystemCatalog(entries: [
        .bind, .btrfs, .ceph, .cephFuse, .cifs, .davfs, .erofs, .ext4, .glusterfs, .gpfs, .nfs, .ninePea, .overlay,
        .pstorage, .quobyte, .rclone, .s3fs, .squashfs, .sshfs, .tmpfs, .vfat, .virtiofs, .xfs,
    ])

    /// Types that have another name here.
    private static let otherNames = [
        "nfs4": "nfs", "smb3": "cifs", "smbfs": "cifs", "davfs2": "davfs", "vzstorage": "pstorage",
    ]

    /// Whether mounts of a type are made by somebody else; nil for a type that is not known.
    public func isExternal(_ type: FilesystemType) -> Bool? {
        guard let entry = entries.first(where: { $0.type == type }) else { return nil }
        return if case .external = entry.construction { true } else { false }
    }

    /// The entry of a type.
    ///
    /// - Throws: `invalid_argument` for one that nobody knows, with the known ones.
    public func entry(_ type: FilesystemType) throws(MountError) -> FilesystemEntry {
        let name = type.rawValue
        try InputText.check(name, as: "filesystem type", maximumLength: InputText.maximumComponentLength)
        // By bytes: text is compared by meaning, and other scalars can mean an ASCII letter.
        if let entry = entries.first(where: { $0.type.rawValue.utf8.elementsEqual(name.utf8) }) { return entry }
        let names = entries.map(\.type.rawValue)
        let known = "known are \(names.joined(separator: ", "))"
        let nearest =
            (Self.otherNames[name] ?? NearestName.find(name, among: names)).map { "did you mean '\($0)'? " } ?? ""
        throw .invalidArgument(
            "there is no filesystem type '\(InputText.quoted(name))'", hint: "\(nearest)\(known)")
    }
}
