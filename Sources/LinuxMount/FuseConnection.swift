// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

/// The kernel's end of a FUSE filesystem: what it has asked of the process that serves it.
public struct FuseConnection: ~Copyable, Sendable {
    /// The control file: its device's number may be given again when the filesystem has gone, the file is not.
    private let control: OwnedDescriptor
    private let subject: String

    /// Opens the connection of a mount that is there. Does not block, and keeps nothing alive.
    ///
    /// - Returns: nil for a filesystem that is not FUSE's, or has gone.
    /// - Throws: the kernel's refusal.
    public static func open(device: DeviceNumber) throws(SystemCallError) -> FuseConnection? {
        guard device.major == 0 else { return nil }
        // Its control files, wherever the host may have mounted them.
        var context = try FilesystemContext(type: "fusectl")
        try context.create()
        let folder = try context.mount(attributes: [.noSetUserID, .noDevices, .noExecute])
        let name = FilePath("\(device.minor)/abort")
        do throws(SystemCallError) {
            let file = try OwnedDescriptor.open(
                name, at: folder.descriptorNumber, flags: O_WRONLY, .beneath, on: name)
            return FuseConnection(control: file, subject: "fusectl, \(name)")
        } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw error
        }
    }

    /// Ends the connection: every question, asked or to be asked, is answered by an error (ECONNABORTED, then
    /// ENOTCONN), and whoever waits in one goes on, also where no signal ends him. It cannot be undone: the filesystem
    /// is of no further use. One that has gone since it was opened is nothing to end. Does not block.
    ///
    /// - Throws: the kernel's refusal.
    public func abort() throws(SystemCallError) {
        try SystemCallError.check(hf_write(control.rawValue, "1", 1), "write", on: subject)
    }
}

extension MountEntry {
    /// Whether a process serves it.
    public var isFuse: Bool { filesystemType == "fuse" || filesystemType.hasPrefix("fuse.") }
}
