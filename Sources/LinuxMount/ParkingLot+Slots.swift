// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import SystemPackage

extension ParkingLot {
    /// Moves an open mount into the slot of its id; false when what it is attached to is shared, so that it cannot be moved.
    func take(_ mount: borrowing OwnedDescriptor, _ id: KernelMountID) throws(SystemCallError) -> Bool {
        let slot = name(ofSlot: id)
        _ = try held.root.makeFolder(slot, mode: 0, on: path.appending(slot.components))
        // Nobody else mounts here: what is in the slot can only be a mount of ours whose id was given again.
        guard try top(ofSlot: id) == nil else { throw SystemCallError("move_mount", .resourceBusy, on: subject(id)) }
        let moved = slot.withPlatformString {
            hf_move_mount(mount.rawValue, "", held.root.rawValue, $0, UInt32(HF_MOVE_MOUNT_F_EMPTY_PATH))
        }
        if moved < 0 { try removeSlot(id) }
        if moved == -Errno.invalidArgument.rawValue { return false }
        try SystemCallError.check(moved, "move_mount", on: subject(id))
        return true
    }

    /// Moves what is on top of a slot onto a place, if it is the mount of that id.
    func move(
        _ id: KernelMountID, fromSlot slot: KernelMountID, onto target: TargetPath
    ) throws(SystemCallError) -> Bool {
        let mount = try OwnedDescriptor.openPlace(
            name(ofSlot: slot), at: held.root.rawValue, .beneath, on: path.appending(slot.description))
        guard try held.table.mountID(of: mount) == id else { return false }
        let parent = try target.requireParent()
        let moved = target.name.withPlatformString {
            hf_move_mount(mount.rawValue, "", parent.rawValue, $0, UInt32(HF_MOVE_MOUNT_F_EMPTY_PATH))
        }
        try SystemCallError.check(moved, "move_mount", on: target.path.string)
        return true
    }

    /// Whether anything is in the slot of an id: the mount itself, or what was carried along with it.
    func holds(_ id: KernelMountID) throws(SystemCallError) -> Bool { try top(ofSlot: id) != nil }

    /// What is on top in the slot of an id; nil for a slot that is empty or not there.
    func top(ofSlot id: KernelMountID) throws(SystemCallError) -> KernelMountID? {
        let top = try held.table.mountID(of: name(ofSlot: id), in: held.root)
        return top == held.id ? nil : top
    }

    func name(ofSlot id: KernelMountID) -> FilePath { FilePath(id.description) }

    func subject(_ id: KernelMountID) -> String { "mount \(id) in \(path)" }

    /// Removes an empty slot's folder; one in use stays.
    func removeSlot(_ id: KernelMountID) throws(SystemCallError) {
        let removed = name(ofSlot: id).withPlatformString {
            hf_unlinkat(held.root.rawValue, $0, HF_AT_REMOVEDIR)
        }
        switch Errno(rawValue: -removed) {
        case .noSuchFileOrDirectory, .resourceBusy: break
        default: try SystemCallError.check(removed, "unlinkat", on: subject(id))
        }
    }

    /// The folders of slots that a process left when it was killed between two steps.
    func removeEmptySlots() throws(SystemCallError) {
        for id in try slotFolders() where try top(ofSlot: id) == nil { try removeSlot(id) }
    }

    func slotFolders() throws(SystemCallError) -> [KernelMountID] {
        let folder = try OwnedDescriptor.openFolder(".", at: held.root.rawValue, .beneathOneMount, on: path)
        let names = try folder.names(on: path)
        return names.compactMap { UInt64(String(decoding: $0, as: UTF8.self)) }.map(KernelMountID.init(rawValue:))
            .sorted()
    }
}
