// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

extension OwnedDescriptor {
    /// Opens a path (`man 2 openat2`, 5.6), as far as the look-up may go; from no folder, the path must be absolute.
    ///
    /// Blocks as long as the filesystems on the way do.
    ///
    /// - Parameter mode: of a file that `O_CREAT` makes, before the umask; 0 for all other calls.
    static func open(
        _ path: FilePath, at folder: CInt = -1, flags: CInt, mode: UInt32 = 0, _ lookUp: LookUp,
        on subject: @autoclosure () -> FilePath
    ) throws(SystemCallError) -> OwnedDescriptor {
        let opened = path.withPlatformString { hf_openat2(folder, $0, flags, mode, lookUp.resolve) }
        return OwnedDescriptor(owning: try SystemCallError.check(opened, "openat2", on: subject().string))
    }

    /// Opens a place without opening the file: `O_PATH|O_NOFOLLOW`, and no `O_DIRECTORY`, which triggers automounts.
    ///
    /// A symbolic link as the last component is opened itself; ask `FileFacts`.
    static func openPlace(
        _ path: FilePath, at folder: CInt, _ lookUp: LookUp,
        on subject: @autoclosure () -> FilePath
    ) throws(SystemCallError) -> OwnedDescriptor {
        try open(path, at: folder, flags: hf_o_path | O_NOFOLLOW, lookUp, on: subject())
    }

    /// Opens a folder for reading; not for what may be a mount of a filesystem that hangs.
    static func openFolder(
        _ path: FilePath, at folder: CInt, _ lookUp: LookUp,
        on subject: @autoclosure () -> FilePath
    ) throws(SystemCallError) -> OwnedDescriptor {
        try open(path, at: folder, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW, lookUp, on: subject())
    }

    /// Opens an absolute path in which no component may be a symbolic link: what an administrator or a policy has read
    /// in the path is then what is opened. Blocks as long as the filesystems on the way do.
    ///
    /// - Throws: `EINVAL` for a path that is not absolute, `ELOOP` for a symbolic link anywhere in it, and what
    ///   `openat2` answers.
    static func open(
        absolute path: FilePath, flags: CInt, mode: UInt32 = 0
    ) throws(SystemCallError) -> OwnedDescriptor {
        guard path.isAbsolute else {
            throw SystemCallError("openat2", .invalidArgument, on: "\(path) (the path must be absolute)")
        }
        do throws(SystemCallError) {
            return try open(path, flags: flags, mode: mode, .anywhere, on: path)
        } catch {
            guard error.errno == .tooManySymbolicLinkLevels else { throw error }
            throw SystemCallError(
                "openat2", .tooManySymbolicLinkLevels,
                on: "\(path) (no component may be a symbolic link: give the path that it leads to)")
        }
    }

    /// Opens the place of an absolute path, so that its type can be looked at before anything happens to it: opening a
    /// FIFO waits for a writer, opening a device can act on it.
    static func openForInspection(_ path: FilePath) throws(SystemCallError) -> OwnedDescriptor {
        try open(absolute: path, flags: hf_o_path)
    }

    /// Opens the place of a folder by an absolute path without a symbolic link. May wait for a server on the way.
    static func openFolder(atAbsolute path: FilePath) throws(SystemCallError) -> OwnedDescriptor {
        let opened = try open(absolute: path, flags: hf_o_path | O_NOFOLLOW)
        try FileFacts(of: opened, on: path).requireFolder("openat2", on: path)
        return opened
    }

    /// Opens, with access to its content, the very file whose place this is. Needs `/proc`.
    func reopen(flags: CInt, on subject: FilePath) throws(SystemCallError) -> OwnedDescriptor {
        try .open(FilePath("/proc/self/fd/\(rawValue)"), flags: flags, .followingLinks, on: subject)
    }
}
