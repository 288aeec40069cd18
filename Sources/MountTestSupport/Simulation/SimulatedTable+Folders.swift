// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
internal import MountModel
internal import SystemPackage

/// The mountpoint's folder: `TargetPath.prepareFolder` and `removeFolder`, call by call.
extension SimulatedTable {
    mutating func prepareFolder(of target: SimulatedTarget) throws(SystemCallError) {
        var place = SimulatedPlace(mount: root, folder: rootPath)
        for name in target.names.dropLast() {
            place = child(of: place, name)
            try makeUnlessThere(place)
            guard top(of: place) == place else { throw SystemCallError("openat2", .improperLink) }
            guard isFolder(place) else { throw SystemCallError("openat2", .notDirectory) }
        }
        let leaf = leaf(of: target, in: place)
        try makeUnlessThere(leaf)
        try requireBare(leaf)
        guard isEmpty(leaf) else { throw SystemCallError("mkdirat", .directoryNotEmpty) }
        try close(leaf, true)
    }

    /// What is missing is fine, and a folder that was never prepared is somebody's and stays.
    mutating func removeFolder(of target: SimulatedTarget) throws(SystemCallError) {
        switch try parent(of: target) {
        case .missing: break
        case .obstructed: throw SystemCallError("openat2", .resourceBusy)
        case .found(let parent):
            if try topmost(at: target, in: parent) != .missing { try removeLeaf(leaf(of: target, in: parent)) }
        }
        try removeEmptyParents(of: target)
    }

    private mutating func removeLeaf(_ leaf: SimulatedPlace) throws(SystemCallError) {
        try requireBare(leaf)
        guard node(at: leaf)?.isClosed == true else {
            if isEmpty(leaf) { return }
            throw SystemCallError("unlinkat", .directoryNotEmpty)
        }
        try close(leaf, false)
        do throws(Errno) {
            try removeFolder(leaf)
        } catch {
            try close(leaf, true)
            throw SystemCallError("unlinkat", error)
        }
    }

    private mutating func removeEmptyParents(of target: SimulatedTarget) throws(SystemCallError) {
        var names = target.names.dropLast()
        while let name = names.popLast() {
            let above = SimulatedTarget(path: target.path, names: names + [name])
            guard case .found(let parent) = try parent(of: above) else { continue }
            do throws(Errno) {
                try removeFolder(child(of: parent, name))
            } catch {
                switch error {
                case .noSuchFileOrDirectory: continue
                case .directoryNotEmpty, .resourceBusy, .notPermitted: return
                default: throw SystemCallError("unlinkat", error)
                }
            }
        }
    }

    private mutating func makeUnlessThere(_ place: SimulatedPlace) throws(SystemCallError) {
        do throws(Errno) {
            try make(place, .folder)
        } catch {
            if error != .fileExists { throw SystemCallError("mkdirat", error) }
        }
    }

    private func requireBare(_ leaf: SimulatedPlace) throws(SystemCallError) {
        guard top(of: leaf) == leaf else { throw SystemCallError("openat2", .resourceBusy) }
        guard isFolder(leaf) else { throw SystemCallError("openat2", .notDirectory) }
    }

    private func isEmpty(_ place: SimulatedPlace) -> Bool {
        mounts[place.mount].flatMap { filesystems[$0.filesystem]?.isEmpty(place.folder) } ?? true
    }

    private mutating func close(_ leaf: SimulatedPlace, _ isClosed: Bool) throws(SystemCallError) {
        try translating("ioctl FS_IOC_SETFLAGS") { () throws(Errno) in try setClosed(leaf, isClosed) }
    }
}
