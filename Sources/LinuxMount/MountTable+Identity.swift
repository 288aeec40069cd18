// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import SystemPackage

extension MountTable {
    /// The id of the mount that an open descriptor refers to. Does not block.
    package func mountID(of descriptor: borrowing OwnedDescriptor) throws(SystemCallError) -> KernelMountID {
        guard let id = try mountID(of: "", at: descriptor.rawValue, UInt32(HF_AT_EMPTY_PATH), on: nil) else {
            throw SystemCallError("statx", .noSuchFileOrDirectory)
        }
        return id
    }

    /// The id of the topmost mount at a name of an open folder, or of the folder's own mount when there is none; nil
    /// when there is no such name. Does not block, triggers no automount, and does not ask the filesystem mounted
    /// there.
    func mountID(of name: FilePath, in folder: borrowing OwnedDescriptor) throws(SystemCallError) -> KernelMountID? {
        try mountID(of: name, at: folder.rawValue, 0, on: name)
    }

    private func mountID(
        of path: FilePath, at folder: CInt, _ extraFlags: UInt32, on subject: FilePath?
    ) throws(SystemCallError) -> KernelMountID? {
        var status = hf_statx()
        let flags = UInt32(HF_AT_SYMLINK_NOFOLLOW | HF_AT_NO_AUTOMOUNT | HF_AT_STATX_DONT_SYNC) | extraFlags
        let wanted = UInt32(method == .statmount ? HF_STATX_MNT_ID_UNIQUE : HF_STATX_MNT_ID)
        let answer = path.withPlatformString { hf_statx(folder, $0, flags, wanted, &status) }
        switch Errno(rawValue: -answer) {
        case _ where answer >= 0: break
        case .noSuchFileOrDirectory: return nil
        // A FUSE filesystem of another user refuses even root.
        case .permissionDenied: return try mountIDWithoutPermission(of: path, at: folder, extraFlags)
        case let errno: throw SystemCallError("statx", errno, on: subject?.string)
        }
        guard status.mask & wanted != 0 else { throw SystemCallError("statx", .noFunction, on: subject?.string) }
        return KernelMountID(rawValue: status.mount_id)
    }

    private func mountIDWithoutPermission(
        of path: FilePath, at folder: CInt, _ extraFlags: UInt32
    ) throws(SystemCallError) -> KernelMountID? {
        var unique: UInt64 = 0
        if method == .statmount,
            path.withPlatformString({ hf_handle_mount_id(folder, $0, extraFlags, &unique) }) >= 0
        {
            return KernelMountID(rawValue: unique)
        }
        return try mountIDByFileDescription(of: path, at: folder, extraFlags)
    }

    /// The id by way of `/proc/self/fdinfo`, which names the mount of any open descriptor and asks no filesystem.
    func mountIDByFileDescription(
        of path: FilePath, at folder: CInt, _ extraFlags: UInt32 = 0
    ) throws(SystemCallError) -> KernelMountID? {
        if extraFlags & UInt32(HF_AT_EMPTY_PATH) != 0 { return try mountID(describedBy: folder) }
        let opened = try OwnedDescriptor.openPlace(path, at: folder, .anywhere, on: path)
        return try mountID(describedBy: opened.rawValue)
    }

    private func mountID(describedBy descriptor: CInt) throws(SystemCallError) -> KernelMountID? {
        let text = try Self.readProcessFile(FilePath("/proc/self/fdinfo/\(descriptor)"))
        let field = Array("mnt_id:".utf8)
        guard let line = text.split(separator: UInt8(ascii: "\n")).first(where: { $0.starts(with: field) }),
            let number = UInt64(
                String(decoding: line.dropFirst(field.count).drop { $0 == 9 || $0 == 32 }, as: UTF8.self))
        else { throw SystemCallError("read", .badMessage, on: "/proc/self/fdinfo/\(descriptor)") }
        let id = KernelMountID(rawValue: number)
        guard method == .statmount else { return id }
        return try entries().first { $0.mountinfoID == id }?.id
    }
}
