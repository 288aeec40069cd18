// SPDX-License-Identifier: Apache-2.0

internal import CLinux
public import SystemPackage

/// A mount that exists and is attached nowhere: nobody can see it, and it is gone when its descriptor closes.
///
/// The descriptor is full authority over the mount: it never goes to a client (whoever has it can attach the mount in a
/// namespace of his own and clear its attributes).
public struct DetachedMount: ~Copyable, Sendable {
    /// The kernel's id, the same before and after the mount is attached (unique from 6.8).
    public let id: KernelMountID
    private let descriptor: OwnedDescriptor

    /// Takes over a descriptor that `fsmount` or `open_tree` made, here or in another process.
    ///
    /// - Throws: the kernel's refusal to name the mount's id.
    public init(receiving descriptor: consuming OwnedDescriptor) throws(SystemCallError) {
        id = try MountTable.current.mountID(of: descriptor)
        self.descriptor = descriptor
    }

    /// Clones the mount that holds a folder, with that folder as its root (`man 2 open_tree`), private.
    ///
    /// The path must be absolute and without a symbolic link in any component. Looking it up may wait for a server.
    ///
    /// - Parameter recursive: with what is mounted beneath the folder; without, those places are empty folders.
    /// - Throws: the kernel's refusal; ELOOP for a symbolic link, ENOTDIR for what is not a folder.
    public init(cloning folder: FilePath, recursive: Bool = false) throws(SystemCallError) {
        let opened = try OwnedDescriptor.openFolder(atAbsolute: folder)
        try self.init(cloning: opened, recursive: recursive)
    }

    /// Clones the mount that holds an open folder, with that folder as its root, private. Does not block.
    ///
    /// - Throws: the kernel's refusal.
    public init(cloning folder: borrowing OwnedDescriptor, recursive: Bool = false) throws(SystemCallError) {
        let flags = UInt32(HF_AT_EMPTY_PATH) | (recursive ? UInt32(HF_AT_RECURSIVE) : 0)
        let number = folder.rawValue
        let cloned = try SystemCallError.check(
            KernelCall.cloneMount.made { hf_open_tree_clone(number, "", flags) }, "open_tree")
        let descriptor = OwnedDescriptor(owning: cloned)
        try Self.setAttributes([], clearing: [], recursive: recursive, of: descriptor)
        try self.init(receiving: descriptor)
    }

    /// The id in the terms of another table.
    func id(in table: MountTable) throws(SystemCallError) -> KernelMountID {
        try table == .current ? id : table.mountID(of: descriptor)
    }

    /// The number of the descriptor, borrowed for as long as this value lives: to send it to another process.
    public var descriptorNumber: CInt { descriptor.rawValue }

    /// Gives the descriptor away; without another owner the mount is gone when it closes.
    public consuming func releaseDescriptor() -> OwnedDescriptor { descriptor }

    /// Sets and clears attributes and makes the mount private, in one step (`man 2 mount_setattr`, 5.12).
    ///
    /// - Throws: the kernel's refusal; EBUSY for `readOnly` while a writer has a file open on this very mount.
    public func setAttributes(
        _ set: MountAttributes, clearing: MountAttributes = [], recursive: Bool = false
    ) throws(SystemCallError) {
        try Self.setAttributes(set, clearing: clearing, recursive: recursive, of: descriptor)
    }

    private static func setAttributes(
        _ set: MountAttributes, clearing: MountAttributes, recursive: Bool, of descriptor: borrowing OwnedDescriptor
    ) throws(SystemCallError) {
        let flags = UInt32(HF_AT_EMPTY_PATH) | (recursive ? UInt32(HF_AT_RECURSIVE) : 0)
        let number = descriptor.rawValue
        let answer = KernelCall.setDetachedAttributes.made {
            hf_mount_setattr(number, "", flags, set.rawValue, set.clearing(clearing), UInt64(HF_MS_PRIVATE))
        }
        try SystemCallError.check(answer, "mount_setattr")
    }

    /// Attaches the mount onto an open folder and closes its own descriptor at once, for an open one keeps the mount
    /// busy.
    ///
    /// The kernel stacks the mount on whatever is mounted on that folder by then: `TargetPath.place` checks.
    ///
    /// - Throws: the kernel's refusal (`man 2 move_mount`); the mount is gone then.
    public consuming func attach(onto folder: borrowing OwnedDescriptor) throws(SystemCallError) {
        try move(onto: folder)
    }

    /// Attaches the mount onto an open folder; the descriptor stays open.
    func move(onto folder: borrowing OwnedDescriptor, as call: KernelCall = .place) throws(SystemCallError) {
        let flags = UInt32(HF_MOVE_MOUNT_F_EMPTY_PATH | HF_MOVE_MOUNT_T_EMPTY_PATH)
        let (mount, place) = (descriptor.rawValue, folder.rawValue)
        let answer = call.made { hf_move_mount(mount, "", place, "", flags) }
        try SystemCallError.check(answer, "move_mount")
    }
}
