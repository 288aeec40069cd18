// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
internal import MountModel
internal import SystemPackage

/// A mountpoint as names from the managed root down.
struct SimulatedTarget {
    let path: SimulatedPath
    let names: [String]

    /// What is on top there.
    enum Top: Hashable {
        case missing
        case folder
        case mount(MountID)
    }

    /// The folder that holds it, found from the root without leaving the root's mount.
    enum Parent {
        case missing
        case obstructed(MountID)
        case found(SimulatedPlace)
    }
}

extension SimulatedTable {
    /// The mountpoint, as long as who walks the root's path arrives at the root.
    func target(_ mountpoint: Mountpoint) throws(SystemCallError) -> SimulatedTarget {
        let seen = try translating("openat2") { () throws(Errno) in try lookUp(rootPath) }
        guard seen.mount == root else { throw SystemCallError("statx", .improperLink, on: rootPath.description) }
        let path = SimulatedPath(mountpoint.path)
        guard let names = path.names(beneath: rootPath) else { throw SystemCallError("openat2", .improperLink) }
        guard !names.isEmpty else { throw SystemCallError("openat2", .invalidArgument) }
        return SimulatedTarget(path: path, names: names)
    }

    private var rootPlace: SimulatedPlace { SimulatedPlace(mount: root, folder: rootPath) }

    func parent(of target: SimulatedTarget) throws(SystemCallError) -> SimulatedTarget.Parent {
        var place = rootPlace
        for name in target.names.dropLast() {
            guard isFolder(place) else { throw SystemCallError("openat2", .notDirectory) }
            place = child(of: place, name)
            guard node(at: place) != nil else { return .missing }
            let above = top(of: place)
            if above != place { return .obstructed(above.mount) }
        }
        return .found(place)
    }

    func requireParent(of target: SimulatedTarget) throws(SystemCallError) -> SimulatedPlace {
        switch try parent(of: target) {
        case .found(let place): return place
        case .missing: throw SystemCallError("openat2", .noSuchFileOrDirectory)
        case .obstructed: throw SystemCallError("openat2", .improperLink)
        }
    }

    func topmost(at target: SimulatedTarget) throws(SystemCallError) -> SimulatedTarget.Top {
        switch try parent(of: target) {
        case .missing: return .missing
        case .obstructed(let id): return .mount(id)
        case .found(let parent): return try topmost(at: target, in: parent)
        }
    }

    func topmost(
        at target: SimulatedTarget, in parent: SimulatedPlace
    ) throws(SystemCallError) -> SimulatedTarget.Top {
        guard isFolder(parent) else { throw SystemCallError("statx", .notDirectory) }
        let place = leaf(of: target, in: parent)
        guard node(at: place) != nil else { return .missing }
        let above = top(of: place)
        return above == place ? .folder : .mount(above.mount)
    }

    func leaf(of target: SimulatedTarget, in parent: SimulatedPlace) -> SimulatedPlace {
        target.names.last.map { child(of: parent, $0) } ?? parent
    }

    /// Where a mount is that is expected at a target.
    func observe(
        _ id: MountID?, at target: SimulatedTarget
    ) throws(SystemCallError) -> LinuxMount.Observation.Summary {
        let top = try topmost(at: target)
        guard let id else { return if case .mount = top { .foreign } else { .empty } }
        if slot(of: id) != nil { return .parked }
        if top == .mount(id) { return .ours }
        guard let mount = mounts[id], let place = mount.place else {
            return if case .mount = top { .foreign } else { .empty }
        }
        if case .mount(let above) = top, isOn(id, above) { return .covered }
        return place.mount == root && path(of: id) == target.path ? .covered : .moved
    }

    /// Whether a mount lies on another, directly or on others in between that are all on one place.
    private func isOn(_ id: MountID, _ above: MountID) -> Bool {
        var next = mounts[above]?.place?.mount
        while let below = next, below != root {
            if below == id { return true }
            next = mounts[below]?.place?.mount
        }
        return false
    }
}

/// Names the call that a refusal came from.
func translating<Value>(
    _ call: String, _ body: () throws(Errno) -> Value
) throws(SystemCallError) -> Value {
    do throws(Errno) { return try body() } catch { throw SystemCallError(call, error) }
}
