// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
public import SystemPackage

/// A loop device that Holdfast attached to an image file, and its open descriptor (`man 4 loop`).
///
/// The device is autoclear: it ends with its last user. While this value lives it is one; a mount made of ``path`` is
/// another, so that the value can be closed as soon as the mount stands. A process that is killed leaves no device
/// behind.
///
/// Everything here blocks as long as the image's filesystem does, and listing devices asks the filesystems of other
/// devices' images too: it is for workers that may be killed.
public struct LoopDevice: ~Copyable, Sendable {
    /// Tries of the next free device before giving up: each is lost only to somebody who took that device first.
    static let attempts = 1024

    /// Microseconds between looks at a device that may be at its end: doubled after each, a quarter of a second in all.
    private static let shortestPause: UInt32 = 1000
    private static let longestPause: UInt32 = 128_000

    /// N of `/dev/loopN`.
    public let number: UInt32
    /// Where the device node is: the source to mount.
    public let path: FilePath
    /// Whether the device refuses writes, whatever the filesystem on it wants.
    public let isReadOnly: Bool
    private let device: OwnedDescriptor

    /// Opens an image file for ``attach(image:named:readOnly:)``: a regular file, no component of the path a symbolic
    /// link.
    ///
    /// - Throws: `EINVAL` for a relative path or something that is not a regular file, `ELOOP` for a symbolic link,
    ///   `EROFS` or `ETXTBSY` as `open` answers (`man 2 openat2`, kernel 5.6).
    public static func openImage(_ path: FilePath, readOnly: Bool) throws(SystemCallError) -> OwnedDescriptor {
        try openImage(.openForInspection(path), named: path, readOnly: readOnly)
    }

    /// The same of one whose place has been opened.
    public static func openImage(
        _ inspected: consuming OwnedDescriptor, named path: FilePath, readOnly: Bool
    ) throws(SystemCallError) -> OwnedDescriptor {
        try requireRegularFile(inspected, named: path)
        return try inspected.reopen(flags: readOnly ? O_RDONLY : O_RDWR, on: path)
    }

    /// Opens an image file and attaches it: see ``attach(image:named:readOnly:)`` and ``openImage(_:readOnly:)``.
    public static func attach(image path: FilePath, readOnly: Bool) throws(SystemCallError) -> LoopDevice {
        try attach(image: openImage(path, readOnly: readOnly), named: path, readOnly: readOnly)
    }

    /// Attaches an open image file to a free loop device, in one step with all its attributes (`LOOP_CONFIGURE`,
    /// kernel 5.8).
    ///
    /// Two superblocks on one file destroy it. A read-write device is therefore made only where no other device has the
    /// file, a read-only one only where no read-write one has it; offsets and limits of other devices do not count. A
    /// lock on one byte of `/dev/loop-control`, which ordinary users cannot open, orders those who come here through
    /// this call, in any process; another tool that attached meanwhile is seen afterwards, and then this call backs
    /// out. A file that reaches the kernel through two filesystems (overlay and its layer, two NFS mounts) counts as
    /// two.
    ///
    /// Waits for another attach of the same file in flight, and up to a quarter of a second for the end of an autoclear
    /// device over the file: whoever lists loop devices puts it off for a moment.
    ///
    /// - Parameters:
    ///   - image: a regular file, open for writing too unless `readOnly`.
    ///   - name: what `losetup` shows, cut to 63 bytes, and what errors call the image.
    /// - Throws: `EBUSY` naming the device that has the file; `ENOSPC` or `ENOMEM` on `/dev/loop-control` when there
    ///   are no loop devices left, `ENOENT` or `ENODEV` where the kernel has no loop driver; `EINVAL` for an image that
    ///   is not a regular file; `EROFS` for an image or device that cannot be written.
    public static func attach(
        image: borrowing OwnedDescriptor, named name: FilePath, readOnly: Bool
    ) throws(SystemCallError) -> LoopDevice {
        try attach(image: image, named: name, readOnly: readOnly, through: LoopDriver())
    }

    /// The same through a driver whose folders a test has chosen.
    package static func attach(
        image: borrowing OwnedDescriptor, named name: FilePath, readOnly: Bool, through driver: LoopDriver
    ) throws(SystemCallError) -> LoopDevice {
        let identity = try requireRegularFile(image, named: name)
        let access = try SystemCallError.check(hf_status_flags(image.rawValue), "fcntl", on: name.string) & O_ACCMODE
        guard readOnly || access == O_RDWR else {
            throw SystemCallError("LOOP_CONFIGURE", .readOnlyFileSystem, on: "\(name) (not open for writing)")
        }
        var pause = shortestPause
        while true {
            let other: LoopDeviceStatus
            do {
                let control = try driver.openControl()
                try driver.lock(identity, through: control, named: name)
                guard let found = try driver.conflict(over: identity, readOnly: readOnly) else {
                    let made = try configureFree(
                        image, named: name, readOnly: readOnly, through: driver, control: control)
                    // The device is not handed out before it is known to be the only one; if not, closing it ends it.
                    let found = try driver.conflict(over: identity, readOnly: readOnly, except: made.number)
                    guard let found else { return made }
                    throw LoopDriver.refusal(of: name, for: found)
                }
                other = found
            }
            // Its last user may have left while somebody looked at it, as `devices` does: then it ends with that look.
            guard other.isAutoclear, pause <= longestPause else { throw LoopDriver.refusal(of: name, for: other) }
            usleep(pause)
            pause *= 2
        }
    }

    /// Makes sure that a block device is no loop device whose part of its file another one has too, whoever attached
    /// them: two superblocks on one file destroy it. Two read-only devices may share one. What is no loop device
    /// passes.
    ///
    /// Who attaches another one later is not seen by this; a mount of that one is refused.
    ///
    /// - Throws: `EBUSY` naming the other device; else as ``devices(backing:)-(OwnedDescriptor)``.
    public static func requireUnshared(_ device: borrowing BlockDevice) throws(SystemCallError) {
        let driver = LoopDriver()
        guard device.major == LoopDriver.major, let own = try driver.status(at: device.path) else { return }
        let file = FileFacts.Identity(device: own.fileDevice, inode: own.fileInode)
        let other = try driver.devices(over: file).first {
            $0.number != own.number && $0.overlaps(own) && !($0.isReadOnly && own.isReadOnly)
        }
        if let other { throw LoopDriver.refusal(of: device.path, for: other) }
    }

    /// The loop devices that have this image file, whoever attached them.
    ///
    /// - Throws: see ``openImage(_:readOnly:)`` and ``devices(backing:)-(OwnedDescriptor)``.
    public static func devices(backing path: FilePath) throws(SystemCallError) -> [LoopDeviceStatus] {
        try devices(backing: .openForInspection(path))
    }

    /// The loop devices that have this open file (by device and inode number), whoever attached them; ordered by
    /// number.
    ///
    /// Each bound device is opened for a moment, which puts off its automatic end if its last user leaves just then.
    ///
    /// - Throws: `ENOENT` where `/sys` is missing, `EACCES` without the right to open devices.
    public static func devices(
        backing image: borrowing OwnedDescriptor
    ) throws(SystemCallError) -> [LoopDeviceStatus] {
        try LoopDriver().devices(over: FileFacts(of: image, on: "image").identity)
    }

    /// What a loop device holds.
    ///
    /// - Returns: nil if it has no file: it was never attached, or has been released by its last user.
    /// - Throws: `ENOENT` if there is no such node, `ENOTTY` if it is another kind of device.
    public static func status(ofDeviceAt path: FilePath) throws(SystemCallError) -> LoopDeviceStatus? {
        try LoopDriver().status(at: path)
    }

    /// Closes the descriptor: without a mount or another user the device ends now.
    ///
    /// - Throws: what `close` answers; the descriptor is gone all the same.
    public consuming func close() throws(SystemCallError) {
        try device.close()
    }

    private static func configureFree(
        _ image: borrowing OwnedDescriptor, named name: FilePath, readOnly: Bool, through driver: LoopDriver,
        control: borrowing OwnedDescriptor
    ) throws(SystemCallError) -> LoopDevice {
        let flags = HF_LOOP_AUTOCLEAR | (readOnly ? HF_LOOP_READ_ONLY : 0)
        for _ in 0..<attempts {
            let number = try driver.freeNumber(through: control)
            guard let device = try driver.openDevice(number, readOnly: readOnly) else { continue }
            let (free, file) = (device.rawValue, image.rawValue)
            let result = name.withPlatformString { name in
                KernelCall.configureLoopDevice.made { hf_loop_configure(free, file, flags, name) }
            }
            // The kernel gives the same free number to everybody who asks before one of them has configured it.
            if result == -EBUSY { continue }
            try SystemCallError.check(result, "LOOP_CONFIGURE", on: name.string)
            let path = driver.path(of: number)
            guard let status = try driver.status(of: device, number: number, path: path) else {
                throw SystemCallError("LOOP_GET_STATUS64", .noSuchAddressOrDevice, on: path.string)
            }
            // The kernel makes the device read-only by itself where it finds the file or the node so.
            guard readOnly || !status.isReadOnly else {
                throw SystemCallError("LOOP_CONFIGURE", .readOnlyFileSystem, on: name.string)
            }
            return LoopDevice(number: number, path: path, isReadOnly: status.isReadOnly, device: device)
        }
        throw SystemCallError(
            "LOOP_CONFIGURE", .resourceBusy, on: "\(name) (lost the next free loop device \(attempts) times)")
    }

    @discardableResult
    private static func requireRegularFile(
        _ image: borrowing OwnedDescriptor, named name: FilePath
    ) throws(SystemCallError) -> FileFacts.Identity {
        let facts = try FileFacts(of: image, on: name)
        guard facts.kind == .regular else {
            throw SystemCallError("open", .invalidArgument, on: "\(name) (not a regular file)")
        }
        return facts.identity
    }
}
