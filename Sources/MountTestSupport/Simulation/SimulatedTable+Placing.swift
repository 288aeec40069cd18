// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
internal import MountModel
internal import SystemPackage

/// Placing, parking and unmounting: `TargetPath.place`, `ParkingLot` and `TargetPath.unmountExactly`, step by step.
extension SimulatedTable {
    /// Attaches a detached mount onto its prepared folder.
    ///
    /// - Returns: what others have mounted there meanwhile, instead of which nothing was attached.
    mutating func place(_ id: MountID, at target: SimulatedTarget) throws(SystemCallError) -> MountID? {
        // Who has unmounted the root meanwhile leaves its folders behind our descriptor; only the move is refused.
        guard mounts[root] != nil else { throw SystemCallError("move_mount", .noSuchFileOrDirectory) }
        let leaf = leaf(of: target, in: try requireParent(of: target))
        guard node(at: leaf) != nil else { throw SystemCallError("openat2", .noSuchFileOrDirectory) }
        let above = top(of: leaf)
        guard above == leaf else { return above.mount }
        guard isFolder(leaf) else { throw SystemCallError("move_mount", .notDirectory) }
        try translating("move_mount") { () throws(Errno) in try attachNew(id, at: leaf) }
        return nil
    }

    /// Attaches what was attached nowhere, if there is room for one more.
    mutating func attachNew(_ id: MountID, at place: SimulatedPlace) throws(Errno) {
        try requireRoom(for: id, at: place)
        let before = children.count
        attach(id, at: place)
        mountsLeft = mountsLeft.map { $0 - (children.count - before) }
    }

    /// What is on top in the slot of an id.
    func slot(of id: MountID) -> MountID? {
        children[slotPlace(of: id)].map { top(of: SimulatedPlace(mount: $0, folder: mounts[$0]?.root ?? .top)).mount }
    }

    private func slotPlace(of id: MountID) -> SimulatedPlace {
        SimulatedPlace(mount: parking, folder: SimulatedPath(names: ["\(id)"]))
    }

    /// Moves a mount into its slot; false where what it is attached to is shared.
    mutating func park(_ id: MountID) -> Bool {
        guard let place = mounts[id]?.place, mounts[place.mount]?.peers == nil else { return false }
        let slot = slotPlace(of: id)
        if let lot = mounts[parking]?.filesystem { filesystems[lot]?.add(slot.folder) }
        move(id, to: slot)
        return true
    }

    /// Puts a parked mount back, unless the place is taken.
    ///
    /// - Returns: whether it is back.
    mutating func moveBack(_ id: MountID, to target: SimulatedTarget) throws(SystemCallError) -> Bool {
        try requireLiftable(overSlotOf: id)
        guard slot(of: id) == id else { return false }
        if case .mount = try topmost(at: target) { return false }
        let leaf = leaf(of: target, in: try requireParent(of: target))
        guard node(at: leaf) != nil else { throw SystemCallError("move_mount", .noSuchFileOrDirectory) }
        guard isFolder(leaf) else { throw SystemCallError("move_mount", .notDirectory) }
        move(id, to: leaf)
        return true
    }

    /// What lies on a mount in its slot is lifted off it first, which the kernel refuses where that is attached to what
    /// is shared: what has spread there always is.
    func requireLiftable(overSlotOf id: MountID) throws(SystemCallError) {
        guard let top = slot(of: id), top != id, let below = mounts[top]?.place?.mount, mounts[below]?.peers != nil
        else { return }
        throw SystemCallError("move_mount", .invalidArgument)
    }

    /// How an exact unmount ended; `absent` says nothing about who else is there.
    enum Unmounting: Hashable {
        case unmounted
        case busy
        case foreign(MountID)
        case absent
    }

    mutating func unmountExactly(
        _ id: MountID, at target: SimulatedTarget
    ) throws(SystemCallError) -> Unmounting {
        if slot(of: id) != nil { return try finishParked(id, at: target) }
        let top = try topmost(at: target)
        guard top == .mount(id), case .found = try parent(of: target) else {
            return if case .mount(let other) = top { .foreign(other) } else { .absent }
        }
        // MNT_EXPIRE asks about this mount alone; the copies that would go with it are seen only by the unmount.
        if isInUse(id) { return .busy }
        if park(id) { return try finishParked(id, at: target) }
        if isBusy(id) { return .busy }
        detach(id)
        return .unmounted
    }

    private mutating func finishParked(
        _ id: MountID, at target: SimulatedTarget
    ) throws(SystemCallError) -> Unmounting {
        try requireLiftable(overSlotOf: id)
        guard isInUse(id) else {
            detach(id)
            return .unmounted
        }
        // Where the place is taken it stays in its slot, which is busy too.
        _ = try moveBack(id, to: target)
        return .busy
    }
}
