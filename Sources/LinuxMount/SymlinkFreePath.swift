// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

/// Opens absolute paths in which no component may be a symbolic link: what an administrator or a policy has read in the
/// path is then what is opened.
enum SymlinkFreePath {
    /// Opens the path with `openat2(RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)` (`man 2 openat2`, kernel 5.6).
    ///
    /// Blocks as long as the filesystems on the way do.
    ///
    /// - Throws: `EINVAL` for a path that is not absolute, `ELOOP` for a symbolic link anywhere in it, and what
    ///   `openat2` answers.
    static func open(_ path: FilePath, flags: CInt, mode: UInt32 = 0) throws(SystemCallError) -> OwnedDescriptor {
        guard path.isAbsolute else {
            throw SystemCallError("openat2", .invalidArgument, on: "\(path) (the path must be absolute)")
        }
        let result = path.withPlatformString { hf_open_without_symlinks(AT_FDCWD, $0, flags, mode) }
        if result == -ELOOP {
            throw SystemCallError(
                "openat2", .tooManySymbolicLinkLevels,
                on: "\(path) (no component may be a symbolic link: give the path that it leads to)")
        }
        return OwnedDescriptor(owning: try SystemCallError.check(result, "openat2", on: path.string))
    }

    /// Opens the path without access to its content, so that its type can be looked at before anything happens to it:
    /// opening a FIFO waits for a writer, opening a device can act on it.
    static func openForInspection(_ path: FilePath) throws(SystemCallError) -> OwnedDescriptor {
        try open(path, flags: hf_flag_path_only())
    }

    /// Opens, with access to its content, the very file that was inspected.
    ///
    /// Needs `/proc`.
    static func reopen(
        _ inspected: borrowing OwnedDescriptor, flags: CInt, named subject: String
    ) throws(SystemCallError) -> OwnedDescriptor {
        let result = hf_reopen(inspected.rawValue, flags)
        return OwnedDescriptor(owning: try SystemCallError.check(result, "open", on: subject))
    }
}
