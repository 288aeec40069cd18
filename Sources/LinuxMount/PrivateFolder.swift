// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import SystemPackage

/// A folder for state that nobody but its owner may read: created so, or checked to be so.
public enum PrivateFolder {
    /// Makes sure that the folder is there, belongs to the effective user and grants no more than `mode`.
    ///
    /// Only the last component is created. Every folder above it must belong to root or the effective user and be
    /// writable to nobody else, unless it is sticky: whoever can rename an ancestor can put another folder in its
    /// place. An existing folder that grants more is refused, not tightened: what it holds may have been read or
    /// planted already, and that is for the administrator to judge. Blocks as long as the filesystem does.
    ///
    /// - Returns: the folder, open for reading, to work beneath.
    /// - Throws: `EINVAL` for a path that is not absolute or has `..` in it, `ELOOP` for a symbolic link in it,
    ///   `ENOTDIR`, `ENOENT` for a missing parent, `EPERM` with what to do for an owner or mode that is not private.
    @discardableResult
    public static func ensure(at path: FilePath, mode: UInt32 = 0o700) throws(SystemCallError) -> OwnedDescriptor {
        try TrustedFolder(at: path, mode: mode, .secret).leaf.reopen(flags: O_RDONLY | O_DIRECTORY, on: path)
    }
}
