// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// What a mount's source is, where its path alone does not tell.
public enum SourceFile {
    /// What is at a path.
    public enum Kind: Hashable, Sendable {
        /// A folder, to be bound.
        case folder
        /// A block device.
        case blockDevice
        /// A file, perhaps an image.
        case regularFile
        /// Something else, which cannot be a source.
        case other
    }

    /// Looks at the path, of which no component may be a symbolic link but for a device's name beneath `/dev`.
    ///
    /// Blocks as long as the filesystems on the way do: a worker's.
    ///
    /// - Throws: what `openat2` or `statx` answers; `ELOOP` for a symbolic link.
    public static func kind(of path: FilePath) throws(SystemCallError) -> Kind {
        let canonical = try BlockDevice.canonicalPath(of: path)
        let descriptor = try OwnedDescriptor.openForInspection(canonical)
        switch try FileFacts(of: descriptor, on: canonical).kind {
        case .folder: return .folder
        case .blockDevice: return .blockDevice
        case .regular: return .regularFile
        case .symbolicLink, .other: return .other
        }
    }
}
