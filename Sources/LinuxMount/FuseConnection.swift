// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

/// The kernel's end of a FUSE filesystem: what it has asked of the process that serves it.
public enum FuseConnection {
    /// Ends the connection of a mount: every question, asked or to be asked, is answered by an error (ECONNABORTED,
    /// then ENOTCONN), and whoever waits in one goes on, also where no signal ends him. It cannot be undone: the
    /// filesystem is of no further use. Does not block.
    ///
    /// - Returns: false for a filesystem that is not FUSE's, or has gone.
    /// - Throws: the kernel's refusal.
    public static func abort(device: DeviceNumber) throws(SystemCallError) -> Bool {
        guard device.major == 0 else { return false }
        // Its control files, wherever the host may have mounted them.
        var context = try FilesystemContext(type: "fusectl")
        try context.create()
        let control = try context.mount(attributes: [.noSetUserID, .noDevices, .noExecute])
        let name = FilePath("\(device.minor)/abort")
        do throws(SystemCallError) {
            let file = try OwnedDescriptor.open(
                name, at: control.descriptorNumber, flags: O_WRONLY, .beneath, on: name)
            try SystemCallError.check(hf_write(file.rawValue, "1", 1), "write", on: "fusectl, \(name)")
            return true
        } catch {
            if error.errno == .noSuchFileOrDirectory { return false }
            throw error
        }
    }
}

extension MountEntry {
    /// Whether a process serves it.
    public var isFuse: Bool { filesystemType == "fuse" || filesystemType.hasPrefix("fuse.") }

    /// Whether root has mounted it. An ordinary user can mount FUSE filesystems, `fuseblk` too, and names type and
    /// source as he likes; whose it is, the kernel notes in `user_id` (`man 8 mount.fuse3`).
    public var isMountedByRoot: Bool {
        !filesystemType.hasPrefix("fuse") || superblockOptions?.contains(KernelText("user_id=0")) == true
    }
}
