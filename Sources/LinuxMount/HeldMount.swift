// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import SystemPackage

/// A private mount of ours at a trusted folder, held by a descriptor on its root: what root and parking lot have in
/// common.
final class HeldMount: Sendable {
    let path: FilePath
    let id: KernelMountID
    let table: MountTable
    /// The root of the mount, `O_PATH`.
    let root: OwnedDescriptor
    private let parent: OwnedDescriptor
    private let name: FilePath

    /// Attaches a new mount at the folder and makes it private: one that comes beneath a shared mount is shared at
    /// first.
    init(
        attaching mount: consuming DetachedMount, at folder: consuming TrustedFolder, path: FilePath, table: MountTable
    ) throws(SystemCallError) {
        let uniqueID = mount.id
        try mount.move(onto: folder.leaf, as: .placeHeld)
        root = try OwnedDescriptor.openPlace(folder.name, at: folder.parent.rawValue, .anywhere, on: path)
        guard try MountTable.current.mountID(of: root) == uniqueID else {
            throw SystemCallError("move_mount", .resourceBusy, on: "\(path) (covered by another mount)")
        }
        id = try table.mountID(of: root)
        parent = folder.parent
        name = folder.name
        self.path = path
        self.table = table
        try makePrivate()
    }

    /// Takes over the mount that an earlier daemon left at the folder.
    init(reusing folder: consuming TrustedFolder, path: FilePath, table: MountTable) throws(SystemCallError) {
        id = try table.mountID(of: folder.leaf)
        root = folder.leaf
        parent = folder.parent
        name = folder.name
        self.path = path
        self.table = table
    }

    /// Cuts the mount off from its peers and master.
    ///
    /// - Parameter recursive: all that is mounted beneath it as well.
    func makePrivate(recursive: Bool = false) throws(SystemCallError) {
        let flags = UInt32(HF_AT_EMPTY_PATH) | (recursive ? UInt32(HF_AT_RECURSIVE) : 0)
        let answer = KernelCall.makeHeldPrivate.made {
            hf_mount_setattr(root.rawValue, "", flags, 0, 0, UInt64(HF_MS_PRIVATE))
        }
        try SystemCallError.check(answer, "mount_setattr", on: path.string)
    }

    /// Unmounts it exactly; EBUSY while it is covered, in use, or something is mounted beneath.
    func unmount() throws(SystemCallError) {
        let busy = SystemCallError("umount2", .resourceBusy, on: path.string)
        guard try table.mountID(of: name, in: parent) == id, try table.descendants(of: id).isEmpty else { throw busy }
        // The own descriptor keeps the mount busy, and others may be reading its number: it is made to refer to a file
        // that is no folder, in one step, so that a late operation fails (ENOTDIR) instead of meeting a stranger.
        let nowhere = try OwnedDescriptor.openPlace("/dev/null", at: -1, .anywhere, on: "/dev/null")
        try SystemCallError.check(hf_dup3(nowhere.rawValue, root.rawValue), "dup3", on: path.string)
        if try expireTwice() {
            // The folder that holds it may be on a mount that its owner wants to unmount next.
            try SystemCallError.check(hf_dup3(nowhere.rawValue, parent.rawValue), "dup3", on: path.string)
            return
        }
        let again = try OwnedDescriptor.openPlace(name, at: parent.rawValue, .anywhere, on: path)
        if try table.mountID(of: again) == id {
            try SystemCallError.check(hf_dup3(again.rawValue, root.rawValue), "dup3", on: path.string)
        }
        throw busy
    }

    // The first call marks what is on top, the second takes it only if it is still marked: what came over it in between
    // is not.
    private func expireTwice() throws(SystemCallError) -> Bool {
        for _ in 0..<8 {
            guard try table.mountID(of: name, in: parent) == id else { return false }
            let first = parent.unmount(name, HF_MNT_EXPIRE, as: .releaseHeld)
            guard first == -Errno.resourceTemporarilyUnavailable.rawValue else { return first == 0 }
            if parent.unmount(name, HF_MNT_EXPIRE, as: .releaseHeld) == 0 { return true }
        }
        return false
    }
}
