// SPDX-License-Identifier: Apache-2.0

internal import MountModel
internal import SystemPackage

/// How mounts come and go: what the kernel's `attach_recursive_mnt` and `umount_tree` do, propagation included.
extension SimulatedTable {
    /// Attaches a tree that was attached nowhere, and copies of it beneath the peers of the mount that it goes to.
    mutating func attach(_ id: MountID, at place: SimulatedPlace) { attach(id, at: place, receivers(of: place)) }

    /// Moves an attached tree, which may be among those that receive it; who asks has seen that what it is attached to
    /// is private.
    mutating func move(_ id: MountID, to place: SimulatedPlace) {
        let receivers = receivers(of: place)
        unlink(id)
        events.add(id, isAttached: false)
        attach(id, at: place, receivers)
    }

    /// The places beneath peers where what is attached at a place appears too.
    private func receivers(of place: SimulatedPlace) -> [SimulatedPlace] {
        guard let group = mounts[place.mount]?.peers else { return [] }
        return peers(in: group).filter { $0.id != place.mount && place.folder.starts(with: $0.root) }
            .map { SimulatedPlace(mount: $0.id, folder: place.folder) }
    }

    private mutating func attach(_ id: MountID, at place: SimulatedPlace, _ receivers: [SimulatedPlace]) {
        if mounts[place.mount]?.peers != nil {
            for member in tree(of: id) where mounts[member]?.peers == nil {
                let own = newPeerGroup()
                set(member) { $0.peers = own }
            }
        }
        let copies = receivers.map { ($0, copyTree(id)) }
        link(id, at: place)
        for (receiver, copy) in copies {
            let covered = children[receiver]
            link(copy, at: receiver)
            for member in tree(of: copy).dropFirst() { events.add(member, isAttached: true) }
            if let covered, let root = mounts[copy]?.rootPlace { raise(covered, onto: root) }
        }
    }

    /// Whether `umount2` without a flag says EBUSY: used itself, or a copy that would go with it is. The kernel looks
    /// only at copies that nothing is mounted in; what lies on a copy's root does not keep it.
    func isBusy(_ id: MountID) -> Bool {
        isInUse(id)
            || twins(of: id).contains { twin in
                hasOpenFiles(twin) && children.allSatisfy { $0.key.mount != twin || isOnRoot($0.key) }
            }
    }

    /// Takes a tree out of the namespace, and for each mount of it the copies beneath the peers of what it was attached
    /// to, but for those in which something is mounted that stays. What lies on the root of a copy that goes comes down
    /// to where that was attached (the kernel's `Documentation/filesystems/propagate_umount.txt`).
    mutating func detach(_ id: MountID) {
        var going = tree(of: id)
        var isGoing = Set(going)
        let copies = going.flatMap { twins(of: $0) }.filter { isGoing.insert($0).inserted }
        while let kept = copies.first(where: { isGoing.contains($0) && isKept($0, goingWith: isGoing) }) {
            isGoing.remove(kept)
        }
        going += copies.filter(isGoing.contains)
        let staying = going.compactMap { id in overmount(of: id) }.filter { !isGoing.contains($0) }
        let lower = staying.map { ($0, placeBelow($0, without: isGoing)) }
        take(going)
        for case (let member, let place?) in lower {
            raise(member, onto: place)
            for isAttached in [false, true] { events.add(member, isAttached: isAttached) }
        }
    }

    /// What is mounted at the same folder beneath the peers of what a mount is attached to.
    private func twins(of id: MountID) -> [MountID] {
        guard let place = mounts[id]?.place else { return [] }
        return receivers(of: place).compactMap { children[$0] }
    }

    /// Whether something is mounted in it, not on its root, that does not go with it.
    private func isKept(_ id: MountID, goingWith going: Set<MountID>) -> Bool {
        children.contains { place, child in
            place.mount == id && !isOnRoot(place) && !tree(of: child).allSatisfy(going.contains)
        }
    }

    private func isOnRoot(_ place: SimulatedPlace) -> Bool { mounts[place.mount]?.rootPlace == place }

    /// What lies on a mount's root.
    private func overmount(of id: MountID) -> MountID? { mounts[id].flatMap { children[$0.rootPlace] } }

    /// Where the stack of mounts that go is attached on which this one lies.
    private func placeBelow(_ id: MountID, without going: Set<MountID>) -> SimulatedPlace? {
        var place = mounts[id]?.place
        while let mount = place?.mount, going.contains(mount) { place = mounts[mount]?.place }
        return place
    }

    private mutating func take(_ members: [MountID]) {
        for member in members.reversed() {
            unlink(member)
            forget(member)
        }
        for member in members { events.add(member, isAttached: false) }
        mountsLeft = mountsLeft.map { $0 + members.count }
    }

    private func peers(in group: Int) -> [SimulatedMount] {
        mounts.values.filter { $0.peers == group && $0.place != nil }.sorted { $0.id < $1.id }
    }

    /// A detached copy of a tree; each copy is a peer of what it was made of.
    private mutating func copyTree(_ id: MountID) -> MountID {
        guard let original = mounts[id] else { return id }
        let copy = newMount(
            of: original.filesystem, root: original.root, attributes: original.attributes, peers: original.peers)
        for (place, child) in children where place.mount == id {
            let below = copyTree(child)
            raise(below, onto: SimulatedPlace(mount: copy, folder: place.folder))
        }
        return copy
    }

    /// Whether the namespace takes so many more mounts.
    func requireRoom(for id: MountID, at place: SimulatedPlace) throws(Errno) {
        guard let left = mountsLeft else { return }
        if tree(of: id).count * (1 + receivers(of: place).count) > left { throw .noSpace }
    }
}
