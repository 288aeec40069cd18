// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// A folder that a mount is made of: overlay's layers.
public enum SourceFolder {
    /// Opens the place of a folder by an absolute path, of which no component may be a symbolic link (`O_PATH`).
    ///
    /// Blocks as long as the filesystems on the way do: a worker's.
    ///
    /// - Throws: what `openat2` answers; `ELOOP` for a symbolic link, `ENOTDIR` for what is no folder.
    public static func open(_ path: FilePath) throws(SystemCallError) -> OwnedDescriptor {
        try OwnedDescriptor.openFolder(atAbsolute: path)
    }
}
