// SPDX-License-Identifier: Apache-2.0

internal import CLinux
public import SystemPackage

/// What a folder's filesystem can mark it with (`man 2 ioctl_iflags`).
public enum FolderFlags {
    /// Whether the folder's filesystem has inode flags, of which the immutable one keeps mountpoints closed.
    ///
    /// Not for what may be a mount of a filesystem that hangs.
    ///
    /// - Throws: what opening the folder or the question answers.
    public static func areSupported(at folder: FilePath) throws(SystemCallError) -> Bool {
        let opened = try OwnedDescriptor.openFolder(folder, at: -1, .anywhere, on: folder)
        return try opened.inodeFlags(on: folder) != nil
    }
}
