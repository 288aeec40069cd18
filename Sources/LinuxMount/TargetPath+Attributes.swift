// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import SystemPackage

extension TargetPath {
    /// Sets and clears attributes of the mount of that id, if it is on top, in one step; nothing else is ever changed.
    ///
    /// While it is at it the mount counts as in use. Does not block (`man 2 mount_setattr`, 5.12).
    ///
    /// - Returns: false where it is not on top.
    /// - Throws: the kernel's refusal; EBUSY for `readOnly` while a writer has a file open on this very mount.
    public func setAttributes(
        _ set: MountAttributes, clearing: MountAttributes, ofMount id: KernelMountID
    ) throws(SystemCallError) -> Bool {
        guard let mount = try openTop(ifMount: id) else { return false }
        let number = mount.rawValue
        let answer = KernelCall.restoreAttributes.made {
            hf_mount_setattr(number, "", UInt32(HF_AT_EMPTY_PATH), set.rawValue, set.clearing(clearing), 0)
        }
        try SystemCallError.check(answer, "mount_setattr", on: path.string)
        return true
    }

    /// Makes the filesystem of the mount of that id writable, if the mount is on top; its other options stay.
    ///
    /// Blocks for as long as its device does (`man 2 fspick`, 5.2).
    ///
    /// - Returns: false where it is not on top.
    /// - Throws: the kernel's refusal with its messages, as of a filesystem that it has stopped after an error.
    public func makeFilesystemWritable(ofMount id: KernelMountID) throws(SystemCallError) -> Bool {
        guard let mount = try openTop(ifMount: id) else { return false }
        var context = try FilesystemContext(of: mount, type: table.entry(id)?.filesystemType ?? "", on: path)
        try context.setFlag("rw")
        try context.reconfigure()
        return true
    }

    /// The mount of that id, opened without asking its filesystem; nil where it is not on top.
    func openTop(ifMount id: KernelMountID) throws(SystemCallError) -> OwnedDescriptor? {
        guard case .found(let parent) = try openParent(), try topmost(in: parent) == .mount(id) else { return nil }
        let mount = try OwnedDescriptor.openPlace(name, at: parent.rawValue, .beneath, on: path)
        guard try table.mountID(of: mount) == id else { return nil }
        return mount
    }
}
