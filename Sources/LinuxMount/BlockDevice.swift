// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
public import SystemPackage

/// An open block device that is a mount's source.
///
/// All calls block as long as the device does: they are a worker's. An open value keeps nobody from mounting, but it
/// keeps a loop device from ending.
public struct BlockDevice: ~Copyable, Sendable {
    /// The device's own path: where the link led, if the path that was given is one.
    public let path: FilePath
    /// Whether the last component of the given path was a symbolic link.
    public let followedLink: Bool
    /// The device's major number.
    public let major: UInt32
    /// The device's minor number.
    public let minor: UInt32
    private let device: OwnedDescriptor

    /// Opens a block device by an absolute path.
    ///
    /// No component of the path may be a symbolic link, but for this: beneath `/dev`, where administrators name devices
    /// by `/dev/disk/by-uuid/…` or `/dev/VOLUME_GROUP/VOLUME`, the last one may be a link that root owns, in a folder
    /// that only root can write, to a device beneath `/dev`. ``path`` is then what it leads to, and is what a policy
    /// should judge: the link may lead elsewhere tomorrow.
    ///
    /// - Throws: `EINVAL` for a relative path, `ELOOP` for any other symbolic link, `ENOTBLK` for what is not a block
    ///   device, `ENXIO` for a node without a device, `ENOMEDIUM`, `EROFS`… as the driver answers (`man 2 openat2`,
    ///   kernel 5.6).
    public static func open(_ path: FilePath, writable: Bool = false) throws(SystemCallError) -> BlockDevice {
        let canonical = try canonicalPath(of: path)
        let inspected = try OwnedDescriptor.openForInspection(canonical)
        let facts = try requireBlockDevice(inspected, named: canonical)
        // Non-blocking: a drive without a medium answers instead of waiting for one.
        let flags = (writable ? O_RDWR : O_RDONLY) | O_NONBLOCK
        return BlockDevice(
            path: canonical, followedLink: canonical != path, major: facts.deviceMajor, minor: facts.deviceMinor,
            device: try inspected.reopen(flags: flags, on: canonical))
    }

    /// Whether nobody has the device for himself: no filesystem on it is alive in any mount namespace, no device
    /// mapper, RAID or swap uses it.
    ///
    /// It is asked with `open(O_RDONLY | O_EXCL)` (`man 2 open`), which claims the device for the moment of the
    /// question: a mount attempt just then fails with `EBUSY`.
    ///
    /// - Throws: as ``open(_:writable:)``.
    public static func isReleased(_ path: FilePath) throws(SystemCallError) -> Bool {
        let canonical = try canonicalPath(of: path)
        let inspected = try OwnedDescriptor.openForInspection(canonical)
        try requireBlockDevice(inspected, named: canonical)
        do {
            let flags = O_RDONLY | O_EXCL | O_NONBLOCK
            try inspected.reopen(flags: flags, on: canonical).close()
            return true
        } catch let error where error.errno == .resourceBusy {
            return false
        }
    }

    /// The device's size in bytes (`BLKGETSIZE64`).
    ///
    /// - Throws: what `ioctl` answers.
    public func size() throws(SystemCallError) -> UInt64 {
        var bytes: UInt64 = 0
        try SystemCallError.check(hf_block_size(device.rawValue, &bytes), "BLKGETSIZE64", on: path.string)
        return bytes
    }

    /// The filesystem type that the device's content says: see ``FilesystemSignature/detect(on:)``.
    ///
    /// - Throws: what reading answers.
    public func signature() throws(SystemCallError) -> FilesystemSignature? {
        try FilesystemSignature.detect(on: device)
    }

    /// Closes the device.
    ///
    /// - Throws: what `close` answers; the descriptor is gone all the same.
    public consuming func close() throws(SystemCallError) {
        try device.close()
    }

    @discardableResult
    private static func requireBlockDevice(
        _ inspected: borrowing OwnedDescriptor, named path: FilePath
    ) throws(SystemCallError) -> FileFacts {
        let facts = try FileFacts(of: inspected, on: path)
        if facts.kind == .symbolicLink {
            throw SystemCallError("open", .tooManySymbolicLinkLevels, on: "\(path) (a symbolic link)")
        }
        guard facts.kind == .blockDevice else {
            throw SystemCallError("open", Errno(rawValue: ENOTBLK), on: "\(path) (not a block device)")
        }
        return facts
    }

    static func canonicalPath(of path: FilePath) throws(SystemCallError) -> FilePath {
        guard path.isAbsolute, path.starts(with: "/dev"), let name = path.lastComponent, name.kind == .regular else {
            return path
        }
        let folderPath = path.removingLastComponent()
        let folder = try OwnedDescriptor.open(absolute: folderPath, flags: O_RDONLY | O_DIRECTORY)
        let link = try FileFacts(of: FilePath(root: nil, [name]), in: folder, on: path)
        guard link.kind == .symbolicLink else { return path }
        let facts = try FileFacts(of: folder, on: folderPath)
        guard link.user == 0, facts.user == 0, !facts.isWritableByOthers else {
            throw SystemCallError(
                "openat2", .tooManySymbolicLinkLevels,
                on: "\(path) (a symbolic link that others than root can make: give the device's own path)")
        }
        // The kernel follows the link, and says where it got: no second opinion on `..` and chains of links.
        let target = try OwnedDescriptor.open(
            FilePath(root: nil, [name]), at: folder.rawValue, flags: hf_o_path, .followingLinks, on: path)
        try requireBlockDevice(target, named: path)
        let canonical = try pathOf(target, named: path)
        guard canonical.starts(with: "/dev") else {
            throw SystemCallError(
                "openat2", .tooManySymbolicLinkLevels, on: "\(path) (leads out of /dev, to \(canonical))")
        }
        return canonical
    }

    private static func pathOf(
        _ descriptor: borrowing OwnedDescriptor, named path: FilePath
    ) throws(SystemCallError) -> FilePath {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let link = "/proc/self/fd/\(descriptor.rawValue)"
        // One byte less: what the kernel writes is not terminated, and the buffer's last byte stays zero.
        let result = hf_read_link(AT_FDCWD, link, &buffer, buffer.count - 1)
        try SystemCallError.check(result, "readlink", on: path.string)
        return FilePath(platformString: buffer)
    }
}
