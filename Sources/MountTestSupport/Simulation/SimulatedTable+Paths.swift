// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
internal import MountModel
internal import SystemPackage

/// Looking paths up, as the kernel does.
extension SimulatedTable {
    func node(at place: SimulatedPlace) -> SimulatedFilesystem.Node? {
        mounts[place.mount].flatMap { filesystems[$0.filesystem]?[place.folder] }
    }

    func isFolder(_ place: SimulatedPlace) -> Bool { node(at: place)?.content == .folder }

    func child(of place: SimulatedPlace, _ name: String) -> SimulatedPlace {
        SimulatedPlace(mount: place.mount, folder: place.folder.appending(name))
    }

    /// The root of what is uppermost at a place, or the place itself.
    func top(of place: SimulatedPlace) -> SimulatedPlace {
        var top = place
        while let id = children[top], let mount = mounts[id] { top = mount.rootPlace }
        return top
    }

    /// Where an absolute path leads, across all mounts.
    func lookUp(_ path: SimulatedPath) throws(Errno) -> SimulatedPlace {
        var place = top(of: SimulatedPlace(mount: host, folder: .top))
        for name in path.names {
            guard isFolder(place) else { throw .notDirectory }
            let next = child(of: place, name)
            guard node(at: next) != nil else { throw .noSuchFileOrDirectory }
            place = top(of: next)
        }
        return place
    }

    /// The place of a name that need not be there, without what is mounted on it.
    func lookUpName(_ path: SimulatedPath) throws(Errno) -> SimulatedPlace {
        guard let name = path.last else { throw .fileExists }
        let folder = try lookUp(path.folder)
        guard isFolder(folder) else { throw .notDirectory }
        return child(of: folder, name)
    }

    /// The mount whose root the path leads to.
    func mounted(at path: SimulatedPath) throws(Errno) -> SimulatedMount {
        let place = try lookUp(path)
        guard let mount = mounts[place.mount], mount.root == place.folder else { throw .invalidArgument }
        return mount
    }

    /// Where a mount is, as the mount table shows it; nil when it is not attached.
    func path(of id: MountID) -> SimulatedPath? {
        if id == host { return .top }
        guard let mount = mounts[id], let place = mount.place, let parent = mounts[place.mount],
            let path = self.path(of: parent.id), let names = place.folder.names(beneath: parent.root)
        else { return nil }
        return SimulatedPath(names: path.names + names)
    }

    /// Whether anything in the namespace is mounted on this folder, through whatever mount.
    func isMountpoint(_ folder: SimulatedPath, of filesystem: Int) -> Bool {
        children.keys.contains { $0.folder == folder && mounts[$0.mount]?.filesystem == filesystem }
    }

    func isReadOnly(_ place: SimulatedPlace) -> Bool { mounts[place.mount]?.attributes.contains(.readOnly) == true }

    mutating func make(_ place: SimulatedPlace, _ content: SimulatedFilesystem.Content) throws(Errno) {
        guard let filesystem = mounts[place.mount]?.filesystem else { throw .noSuchFileOrDirectory }
        let isReadOnly = isReadOnly(place)
        try filesystems[filesystem]?.make(place.folder, content, through: isReadOnly)
    }

    mutating func removeFolder(_ place: SimulatedPlace) throws(Errno) {
        guard let filesystem = mounts[place.mount]?.filesystem else { throw .noSuchFileOrDirectory }
        let isMountpoint = isMountpoint(place.folder, of: filesystem)
        let isReadOnly = isReadOnly(place)
        try filesystems[filesystem]?.removeFolder(place.folder, isMountpoint: isMountpoint, through: isReadOnly)
    }

    mutating func setClosed(_ place: SimulatedPlace, _ isClosed: Bool) throws(Errno) {
        guard let filesystem = mounts[place.mount]?.filesystem else { throw .noSuchFileOrDirectory }
        let isReadOnly = isReadOnly(place)
        try filesystems[filesystem]?.setClosed(place.folder, isClosed, through: isReadOnly)
    }
}
