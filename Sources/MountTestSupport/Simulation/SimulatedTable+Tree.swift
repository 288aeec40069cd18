// SPDX-License-Identifier: Apache-2.0

internal import MountModel
internal import SystemPackage

/// How mounts come and go: what the kernel's `attach_recursive_mnt` and `umount_tree` do, propagation included.
extension SimulatedTable {
    /// Attaches a tree that was attached nowhere, and copies of it beneath the peers of the mount that it goes to.
    mutating func attach(_ id: MountID, at place: SimulatedPlace) { attach(id, at: place, receivers(of: place)) }

    /// Moves an attached tree, which may be among those that receive it; who asks has seen that what it is attached to is
    /// private.
    mutating func move(_ id: MountID, to place: SimulatedPlace) {
        let receivers = receivers(of: place)
        unlink(id)
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

    /// Whether `umount2` without a flag says EBUSY: used itself, or a copy that would go with it is.
    func isBusy(_ id: MountID) -> Bool { isInUse(id) || copies(of: id).contains { hasOpenFiles($0) } }

    /// Takes a tree out of the namespace, and for each mount of it the copies beneath the peers of what it was attached to.
    mutating func detach(_ id: MountID) {
        var going = tree(of: id)
        var next = 0
        while next < going.count {
            for copy in twins(of: going[next]) where !going.contains(copy) && isBare(copy, but: going) {
                going.append(copy)
                // What lay on it, and goes too, may have kept others.
                next = -1
                break
            }
            next += 1
        }
        take(going)
    }

    /// What would go with a mount that is unmounted alone: not what others have mounted on.
    private func copies(of id: MountID) -> [MountID] { twins(of: id).filter { isBare($0, but: []) } }

    /// What is mounted at the same folder beneath the peers of what a mount is attached to.
    private func twins(of id: MountID) -> [MountID] {
        guard let place = mounts[id]?.place else { return [] }
        return receivers(of: place).compactMap { children[$0] }
    }

    private func isBare(_ id: MountID, but others: [MountID]) -> Bool {
        children.allSatisfy { $0.key.mount != id || others.contains($0.value) }
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
