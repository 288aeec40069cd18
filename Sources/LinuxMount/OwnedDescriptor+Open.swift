// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import SystemPackage

/// How far a look-up may go (`man 2 openat2`, 5.6). None follows a symbolic link in any component.
enum LookUp {
    /// Through any mount, from any place.
    case anywhere
    /// Beneath the folder it begins at, and across mounts there.
    case beneath
    /// Beneath the folder it begins at, and nowhere onto another mount (EXDEV).
    case beneathOneMount

    var resolve: UInt64 {
        let links = HF_RESOLVE_NO_SYMLINKS | HF_RESOLVE_NO_MAGICLINKS
        return switch self {
        case .anywhere: UInt64(links)
        case .beneath: UInt64(links | HF_RESOLVE_BENEATH)
        case .beneathOneMount: UInt64(links | HF_RESOLVE_BENEATH | HF_RESOLVE_NO_XDEV)
        }
    }
}

/// Type, permissions and owner of what a descriptor refers to.
struct FileFacts {
    var mode: UInt32
    var owner: UInt32

    var isFolder: Bool { mode & 0o170000 == 0o040000 }
    var isSymbolicLink: Bool { mode & 0o170000 == 0o120000 }
    var permissions: UInt32 { mode & 0o7777 }
    var isWritableByOthers: Bool { mode & 0o022 != 0 }
    var isSticky: Bool { mode & 0o1000 != 0 }
}

extension OwnedDescriptor {
    /// Opens a place without opening the file: `O_PATH|O_NOFOLLOW`, and no `O_DIRECTORY`, which triggers automounts.
    ///
    /// A symbolic link as the last component is opened itself; ask `facts`.
    static func openPlace(
        _ path: FilePath, at folder: CInt, _ lookUp: LookUp, on subject: FilePath
    ) throws(SystemCallError) -> OwnedDescriptor {
        try open(path, at: folder, flags: hf_o_path, lookUp, on: subject)
    }

    /// Opens a folder for reading; not for what may be a mount of a filesystem that hangs.
    static func openFolder(
        _ path: FilePath, at folder: CInt, _ lookUp: LookUp, on subject: FilePath
    ) throws(SystemCallError) -> OwnedDescriptor {
        try open(path, at: folder, flags: hf_o_rdonly | hf_o_directory, lookUp, on: subject)
    }

    /// Opens the place of a folder by an absolute path without a symbolic link. May wait for a server on the way.
    static func openFolder(atAbsolute path: FilePath) throws(SystemCallError) -> OwnedDescriptor {
        guard path.isAbsolute else { throw SystemCallError("openat2", .invalidArgument, on: path.string) }
        let opened = try openPlace(path, at: -1, .anywhere, on: path)
        try opened.facts(on: path).requireFolder("openat2", on: path)
        return opened
    }

    private static func open(
        _ path: FilePath, at folder: CInt, flags: CInt, _ lookUp: LookUp, on subject: FilePath
    ) throws(SystemCallError) -> OwnedDescriptor {
        let flags = UInt64(flags | hf_o_nofollow | hf_o_cloexec)
        let opened = path.withPlatformString { hf_openat2(folder, $0, flags, lookUp.resolve) }
        return OwnedDescriptor(owning: try SystemCallError.check(opened, "openat2", on: subject.string))
    }

    /// Type, permissions and owner, from what the kernel has cached: does not block (`AT_STATX_DONT_SYNC`).
    func facts(on subject: FilePath) throws(SystemCallError) -> FileFacts {
        var identity = hf_identity()
        let flags = UInt32(HF_AT_EMPTY_PATH | HF_AT_STATX_DONT_SYNC)
        let answer = hf_statx(rawValue, "", flags, UInt32(HF_STATX_TYPE_MODE_OWNER), &identity)
        try SystemCallError.check(answer, "statx", on: subject.string)
        return FileFacts(mode: identity.mode, owner: identity.uid)
    }

    /// The names in an open folder except `.` and `..`, at most `limit`.
    func names(limit: Int = .max, on subject: FilePath) throws(SystemCallError) -> [[UInt8]] {
        var names: [[UInt8]] = []
        var buffer = [UInt8](repeating: 0, count: 32768)
        while names.count < limit {
            let count = try SystemCallError.check(
                hf_getdents(rawValue, &buffer, buffer.count), "getdents64", on: subject.string)
            guard count > 0 else { break }
            var offset = 0
            // struct linux_dirent64: 8 bytes inode, 8 offset, 2 record length, 1 type, then the name.
            while offset + 19 < count, names.count < limit {
                let length = Int(buffer[offset + 16]) | Int(buffer[offset + 17]) << 8
                guard length > 19 else { break }
                let name = buffer[(offset + 19)..<min(offset + length, count)].prefix { $0 != 0 }
                if !name.elementsEqual(".".utf8), !name.elementsEqual("..".utf8) { names.append(Array(name)) }
                offset += length
            }
        }
        return names
    }

    /// Sets the permission bits of an open folder exactly, whatever the umask made of them.
    func setPermissions(_ mode: UInt32, on subject: FilePath) throws(SystemCallError) {
        try SystemCallError.check(hf_fchmod(rawValue, mode), "fchmod", on: subject.string)
    }
}

extension FileFacts {
    func requireFolder(_ call: String, on subject: FilePath) throws(SystemCallError) {
        if isSymbolicLink { throw SystemCallError(call, .tooManySymbolicLinkLevels, on: subject.string) }
        guard isFolder else { throw SystemCallError(call, .notDirectory, on: subject.string) }
    }

    /// Refuses a folder whose entries somebody other than root could rename or remove.
    func requireRootOwned(stickyIsEnough: Bool, on subject: FilePath) throws(SystemCallError) {
        guard owner == 0 else {
            throw SystemCallError("statx", .notPermitted, on: "\(subject) (owned by uid \(owner), not by root)")
        }
        guard !isWritableByOthers || (stickyIsEnough && isSticky) else {
            throw SystemCallError("statx", .notPermitted, on: "\(subject) (writable by others than root)")
        }
    }
}
