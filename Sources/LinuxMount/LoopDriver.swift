// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import SystemPackage

/// The kernel's loop driver, behind `/dev/loop-control`, `/dev/loopN` and `/sys/block` (`man 4 loop`).
///
/// The folders can be others in tests.
package struct LoopDriver: Sendable {
    /// The major number of loop devices (the kernel's `Documentation/admin-guide/devices.txt`).
    static let major: UInt32 = 7

    let deviceFolder: FilePath
    let systemFolder: FilePath

    /// The kernel's own folders, or a test's.
    package init(deviceFolder: FilePath = "/dev", systemFolder: FilePath = "/sys/block") {
        self.deviceFolder = deviceFolder
        self.systemFolder = systemFolder
    }

    func path(of number: UInt32) -> FilePath { deviceFolder.appending("loop\(number)") }

    func openControl() throws(SystemCallError) -> OwnedDescriptor {
        let path = deviceFolder.appending("loop-control")
        do throws(SystemCallError) {
            return try .open(path, flags: O_RDWR | O_NOFOLLOW, .followingLinks, on: path)
        } catch {
            guard [ENOENT, ENODEV].contains(error.errno.rawValue) else { throw error }
            throw SystemCallError(
                error.call, error.errno, on: "\(path) (the kernel has no loop driver: modprobe loop)")
        }
    }

    /// Waits until nobody else who comes here is attaching this file; lasts as long as `control` is open.
    func lock(
        _ file: FileFacts.Identity, through control: borrowing OwnedDescriptor, named name: FilePath
    ) throws(SystemCallError) {
        // One byte for a file. Two files on one byte only wait for each other. 62 bits: the end must fit into off_t.
        let byte = (file.inode &+ file.device &* 0x9e37_79b9_7f4a_7c15) >> 2
        try SystemCallError.check(
            hf_lock_byte(control.rawValue, byte), "F_OFD_SETLKW",
            on: "\(deviceFolder.appending("loop-control")) for \(name)")
    }

    func freeNumber(through control: borrowing OwnedDescriptor) throws(SystemCallError) -> UInt32 {
        let number = control.rawValue
        let result = KernelCall.addLoopDevice.made { hf_loop_get_free(number) }
        let path = deviceFolder.appending("loop-control")
        if result == -ENOSPC || result == -ENOMEM {
            throw SystemCallError(
                "LOOP_CTL_GET_FREE", Errno(rawValue: -result),
                on: "\(path) (no loop device is left: losetup --list shows who has them)")
        }
        return UInt32(try SystemCallError.check(result, "LOOP_CTL_GET_FREE", on: path.string))
    }

    /// Opens a device that the driver has; makes its node where `/dev` is not kept by the kernel.
    ///
    /// - Returns: nil if the driver has removed the device meanwhile.
    func openDevice(_ number: UInt32, readOnly: Bool) throws(SystemCallError) -> OwnedDescriptor? {
        let path = path(of: number)
        guard let minor = try minor(of: number) else { return nil }
        let flags = (readOnly ? O_RDONLY : O_RDWR) | O_NOFOLLOW
        let opened: OwnedDescriptor?
        do throws(SystemCallError) {
            opened = try openNode(path, flags: flags)
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            let made = path.withPlatformString { hf_make_block_node($0, 0o600, Self.major, minor) }
            if made != -EEXIST { try SystemCallError.check(made, "mknod", on: path.string) }
            opened = try openNode(path, flags: flags)
        }
        guard let device = opened else { return nil }
        let facts = try FileFacts(of: device, on: path)
        guard facts.kind == .blockDevice, facts.deviceMajor == Self.major, facts.deviceMinor == minor else {
            throw SystemCallError("openat2", Errno(rawValue: ENODEV), on: "\(path) (not the device that its name says)")
        }
        return device
    }

    /// Opens a device's node; nil if the driver has no such device, or no longer.
    private func openNode(_ path: FilePath, flags: CInt) throws(SystemCallError) -> OwnedDescriptor? {
        do throws(SystemCallError) {
            return try .open(path, flags: flags, .followingLinks, on: path)
        } catch {
            guard [ENXIO, ENODEV].contains(error.errno.rawValue) else { throw error }
            return nil
        }
    }

    /// All devices over a file, by number.
    ///
    /// Every bound device is opened. Without that only `/sys/block/loopN/loop/backing_file` tells what is on it: a path
    /// in the view of whoever attached it, which in another mount namespace, through a bind of the file itself, or
    /// beneath a later mount leads to another file here, or to none. It can show that a device may have the file, but
    /// never that it has not, and a device that is missed costs the file.
    func devices(over file: FileFacts.Identity) throws(SystemCallError) -> [LoopDeviceStatus] {
        var found: [LoopDeviceStatus] = []
        for number in try boundNumbers() {
            guard let device = try openDevice(number, readOnly: true),
                let status = try status(of: device, number: number, path: path(of: number)),
                status.fileDevice == file.device, status.fileInode == file.inode
            else { continue }
            found.append(status)
        }
        return found
    }

    /// Another device over the file that forbids one of this kind beside it.
    func conflict(
        over file: FileFacts.Identity, readOnly: Bool, except own: UInt32? = nil
    ) throws(SystemCallError) -> LoopDeviceStatus? {
        try devices(over: file).first { $0.number != own && !(readOnly && $0.isReadOnly) }
    }

    static func refusal(of name: FilePath, for other: LoopDeviceStatus) -> SystemCallError {
        let kind = other.isReadOnly ? "read-only" : "read-write"
        return SystemCallError(
            "LOOP_CONFIGURE", .resourceBusy, on: "\(name) (attached \(kind) to \(other.path) already)")
    }

    func status(at path: FilePath) throws(SystemCallError) -> LoopDeviceStatus? {
        guard let device = try openNode(path, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK) else { return nil }
        let facts = try FileFacts(of: device, on: path)
        guard facts.kind == .blockDevice, facts.deviceMajor == Self.major,
            let number = path.lastComponent.flatMap({ UInt32($0.string.dropFirst("loop".count)) })
        else {
            throw SystemCallError("LOOP_GET_STATUS64", Errno(rawValue: ENOTTY), on: "\(path) (not a loop device)")
        }
        return try status(of: device, number: number, path: path)
    }

    func status(
        of device: borrowing OwnedDescriptor, number: UInt32, path: FilePath
    ) throws(SystemCallError) -> LoopDeviceStatus? {
        var status = hf_loop_status()
        let result = hf_loop_status(device.rawValue, &status)
        if result == -ENXIO { return nil }
        try SystemCallError.check(result, "LOOP_GET_STATUS64", on: path.string)
        let fileName = withUnsafeBytes(of: status.file_name) { Array($0.prefix { $0 != 0 }) }
        return LoopDeviceStatus(
            number: number, path: path, fileDevice: status.device, fileInode: status.inode, offset: status.offset,
            sizeLimit: status.size_limit, isReadOnly: status.flags & HF_LOOP_READ_ONLY != 0,
            isAutoclear: status.flags & HF_LOOP_AUTOCLEAR != 0, fileName: fileName)
    }

    private func boundNumbers() throws(SystemCallError) -> [UInt32] {
        var numbers = [UInt32](repeating: 0, count: 256)
        while true {
            let result = systemFolder.withPlatformString { hf_loop_bound_numbers($0, &numbers, numbers.count) }
            let count = try SystemCallError.check(result, "readdir", on: systemFolder.string)
            if count <= numbers.count { return numbers.prefix(count).sorted() }
            // Devices may come while we look; twice as many at the next look are enough to get through.
            numbers = [UInt32](repeating: 0, count: 2 * count)
        }
    }

    /// The driver's minor number for a device: N itself only while loop devices have no partitions (`max_part`).
    private func minor(of number: UInt32) throws(SystemCallError) -> UInt32? {
        let path = systemFolder.appending("loop\(number)").appending("dev").string
        let line: String
        do {
            line = try SmallFile.firstLine(of: path)
        } catch let error where error.errno == .noSuchFileOrDirectory || error.errno.rawValue == ENODEV {
            return nil
        }
        let parts = line.split(separator: ":", omittingEmptySubsequences: false).map { UInt32($0) }
        guard parts.count == 2, parts[0] == Self.major, let minor = parts[1] else {
            throw SystemCallError("read", Errno(rawValue: ENODEV), on: "\(path) (not a loop device: \"\(line)\")")
        }
        return minor
    }
}
