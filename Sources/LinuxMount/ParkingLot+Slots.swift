// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import SystemPackage

extension ParkingLot {
    /// Moves an open mount into the slot of its id; false when it cannot be moved: what it is attached to is shared, or
    /// the folder that it shows has been removed.
    func take(_ mount: borrowing OwnedDescriptor, _ id: KernelMountID) throws(SystemCallError) -> Bool {
        let slot = name(ofSlot: id)
        _ = try held.root.makeFolder(slot, mode: 0, for: .slot, on: path.appending(slot.components))
        // Nobody else mounts here: what is in the slot can only be a mount of ours whose id was given again.
        guard try top(ofSlot: id) == nil else { throw SystemCallError("move_mount", .resourceBusy, on: subject(id)) }
        let (number, lot) = (mount.rawValue, held.root.rawValue)
        let moved = slot.withPlatformString { slot in
            KernelCall.park.made { hf_move_mount(number, "", lot, slot, UInt32(HF_MOVE_MOUNT_F_EMPTY_PATH)) }
        }
        if moved < 0 { try removeSlot(id) }
        // ENOENT: what it shows has been removed, such as the folder that a bind was made of.
        if [Errno.invalidArgument, .noSuchFileOrDirectory].contains(Errno(rawValue: -moved)) { return false }
        try SystemCallError.check(moved, "move_mount", on: subject(id))
        return true
    }

    /// Puts back what was carried along with a mount when it was parked: onto the place, in the order in which it lay.
    ///
    /// Killed or refused between any two steps, what is left is in the slot or lifted off it, `holds` tells, and the
    /// next call goes on.
    ///
    /// - Returns: the uppermost of what was put back; nil where nothing was carried.
    func putBackCarried(over id: KernelMountID, onto target: TargetPath) throws(SystemCallError) -> KernelMountID? {
        try lift(from: id)
        return try lower(id, onto: target)
    }

    /// Lifts what lies on a mount in its slot, one by one; they then lie in the other order.
    func lift(from id: KernelMountID) throws(SystemCallError) {
        while let top = try top(ofSlot: id), top != id {
            let lifted = name(ofLifted: id)
            let lot = held.root.rawValue
            let made = lifted.withPlatformString { lifted in KernelCall.makeLifted.made { hf_mkdirat(lot, lifted, 0) } }
            if made != -Errno.fileExists.rawValue { try SystemCallError.check(made, "mkdirat", on: subject(id)) }
            _ = try move(top, from: name(ofSlot: id), to: held.root, lifted, as: .lift, on: subject(id))
        }
    }

    /// Lowers onto a place what was lifted.
    private func lower(_ id: KernelMountID, onto target: TargetPath) throws(SystemCallError) -> KernelMountID? {
        var last: KernelMountID?
        while let top = try topOfLifted(id) {
            let isBack = try move(
                top, from: name(ofLifted: id), to: target.requireParent(), target.name, as: .lower,
                on: target.path.string)
            if isBack { last = top }
        }
        if last != nil { try removeSlot(id) }
        return last
    }

    /// Moves what is on top at a name of the lot, if it is the mount of that id.
    ///
    /// Who looked the place up before it was parked may still mount over what is here now, or unmount it.
    ///
    /// - Returns: whether it was; false is worth another look.
    func move(
        _ id: KernelMountID, from place: FilePath, to folder: borrowing OwnedDescriptor, _ name: FilePath,
        as call: KernelCall, on subject: String
    ) throws(SystemCallError) -> Bool {
        let mount = try OwnedDescriptor.openPlace(
            place, at: held.root.rawValue, .beneath, on: path.appending(place.components))
        guard try held.table.mountID(of: mount) == id else { return false }
        let (number, target) = (mount.rawValue, folder.rawValue)
        let moved = name.withPlatformString { name in
            call.made { hf_move_mount(number, "", target, name, UInt32(HF_MOVE_MOUNT_F_EMPTY_PATH)) }
        }
        try SystemCallError.check(moved, "move_mount", on: subject)
        return true
    }

    /// Whether anything is in the slot of an id or was lifted off it: the mount itself, or what was carried along with
    /// it.
    func holds(_ id: KernelMountID) throws(SystemCallError) -> Bool {
        if try top(ofSlot: id) != nil { return true }
        return try topOfLifted(id) != nil
    }

    /// What is on top in the slot of an id; nil for a slot that is empty or not there.
    func top(ofSlot id: KernelMountID) throws(SystemCallError) -> KernelMountID? { try top(at: name(ofSlot: id)) }

    /// What lies uppermost of what was lifted off a slot: it lay lowest in the slot.
    func topOfLifted(_ id: KernelMountID) throws(SystemCallError) -> KernelMountID? { try top(at: name(ofLifted: id)) }

    private func top(at name: FilePath) throws(SystemCallError) -> KernelMountID? {
        let top = try held.table.mountID(of: name, in: held.root)
        return top == held.id ? nil : top
    }

    /// Where what was carried along waits while ours is moved from beneath it.
    func name(ofLifted id: KernelMountID) -> FilePath { FilePath(id.description + Self.liftedSuffix) }

    private static let liftedSuffix = ".lifted"

    func name(ofSlot id: KernelMountID) -> FilePath { FilePath(id.description) }

    func subject(_ id: KernelMountID) -> String { "mount \(id) in \(path)" }

    /// Removes an empty slot's folders; those in use stay.
    func removeSlot(_ id: KernelMountID) throws(SystemCallError) {
        for name in [name(ofSlot: id), name(ofLifted: id)] {
            let removed = held.root.removeFolder(name, as: .removeSlot)
            switch Errno(rawValue: -removed) {
            case .noSuchFileOrDirectory, .resourceBusy: break
            default: try SystemCallError.check(removed, "unlinkat", on: subject(id))
            }
        }
    }

    /// The folders of slots that a process left when it was killed between two steps.
    func removeEmptySlots() throws(SystemCallError) {
        for id in try slotFolders() where try !holds(id) { try removeSlot(id) }
    }

    /// The ids that have a slot, or something lifted off one, ascending.
    func slotFolders() throws(SystemCallError) -> [KernelMountID] {
        let folder = try OwnedDescriptor.openFolder(".", at: held.root.rawValue, .beneathOneMount, on: path)
        var ids: Set<KernelMountID> = []
        for bytes in try folder.names(on: path) {
            var name = String(decoding: bytes, as: UTF8.self)
            if name.hasSuffix(Self.liftedSuffix) { name.removeLast(Self.liftedSuffix.count) }
            if let id = UInt64(name) { ids.insert(KernelMountID(rawValue: id)) }
        }
        return ids.sorted()
    }
}
