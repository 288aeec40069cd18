// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
internal import MountModel
internal import SystemPackage

/// A mount namespace: the tree of its mounts, the filesystems behind them, and who has files open on them.
///
/// The host's filesystem is at `/`; the managed root is a private bind of its folder onto itself, the parking lot a
/// filesystem of its own, as the product makes them.
struct SimulatedTable {
    private(set) var mounts: [MountID: SimulatedMount] = [:]
    /// What is attached at a place: at most one, since a second mount goes onto the root of the first.
    private(set) var children: [SimulatedPlace: MountID] = [:]
    var filesystems: [Int: SimulatedFilesystem] = [:]
    /// Open files by name. One outlives the unmount of its mount (`MNT_DETACH`) and keeps the filesystem.
    var handles: [String: SimulatedPlace] = [:]
    private var handleFilesystems: [String: Int] = [:]
    var events = SimulatedEvents()
    /// How many more mounts the namespace takes (`fs.mount-max`); nil for enough.
    var mountsLeft: Int?
    /// How many loop devices there are; nil for enough.
    var loopDeviceLimit: Int?
    let rootPath: SimulatedPath
    let parkingPath: SimulatedPath
    private(set) var host = MountID(rawValue: 0)
    private(set) var root = MountID(rawValue: 0)
    private(set) var parking = MountID(rawValue: 0)
    private var lastID: UInt64
    private var lastNumber = 0

    init(root rootPath: SimulatedPath, parking parkingPath: SimulatedPath, firstID: UInt64) {
        // The host's own mounts have ids out of the way of those that a test makes.
        lastID = .max - 16
        self.rootPath = rootPath
        self.parkingPath = parkingPath
        host = newMount(of: newFilesystem(), attributes: [])
        for path in [rootPath, parkingPath] { makeFolders(to: path) }
        let hostFilesystem = mounts[host]?.filesystem ?? 0
        root = newMount(of: hostFilesystem, root: rootPath, attributes: [])
        attach(root, at: SimulatedPlace(mount: host, folder: rootPath))
        parking = newMount(of: newFilesystem(), attributes: [.noSetUserID, .noDevices, .noExecute])
        attach(parking, at: SimulatedPlace(mount: host, folder: parkingPath))
        // The product holds both open for as long as it lives.
        openFile("root", at: SimulatedPlace(mount: root, folder: rootPath))
        openFile("parking", at: SimulatedPlace(mount: parking, folder: .top))
        lastID = firstID
        _ = events.take()
    }

    // MARK: - New things

    mutating func newFilesystem(image: SimulatedImage? = nil) -> Int {
        lastNumber += 1
        filesystems[lastNumber] = SimulatedFilesystem(image: image)
        return lastNumber
    }

    /// A detached mount. Its id was never given before and never will be again.
    mutating func newMount(
        of filesystem: Int, root: SimulatedPath = .top, attributes: MountAttributes, peers: Int? = nil
    ) -> MountID {
        lastID += 1
        let id = MountID(rawValue: lastID)
        mounts[id] = SimulatedMount(
            id: id, filesystem: filesystem, root: root, attributes: attributes, peers: peers)
        return id
    }

    mutating func newPeerGroup() -> Int {
        lastNumber += 1
        return lastNumber
    }

    mutating func openFile(_ name: String, at place: SimulatedPlace) {
        handles[name] = place
        handleFilesystems[name] = mounts[place.mount]?.filesystem
    }

    mutating func closeFile(_ name: String) {
        handles[name] = nil
        handleFilesystems[name] = nil
    }

    // MARK: - Questions

    /// Open files, or mounts on it: `umount2` says EBUSY.
    func isInUse(_ id: MountID) -> Bool { hasOpenFiles(id) || children.keys.contains { $0.mount == id } }

    func hasOpenFiles(_ id: MountID) -> Bool { handles.values.contains { $0.mount == id } }

    /// A mount and all that is attached to it, and to that, and so on; it comes first.
    func tree(of id: MountID) -> [MountID] {
        var found = [id]
        var next = 0
        while next < found.count {
            found += children.filter { $0.key.mount == found[next] }.map(\.value).sorted()
            next += 1
        }
        return found
    }

    /// The loop devices that exist: those of filesystems that a mount or an open file keeps alive.
    var images: [SimulatedImage] {
        Set(mounts.values.map(\.filesystem)).union(handleFilesystems.values).sorted()
            .compactMap { filesystems[$0]?.image }
    }

    // MARK: - Changes

    mutating func set(_ id: MountID, _ change: (inout SimulatedMount) -> Void) {
        guard var mount = mounts[id] else { return }
        change(&mount)
        mounts[id] = mount
    }

    /// Enters it into the tree; propagation is `attach`'s.
    mutating func link(_ id: MountID, at place: SimulatedPlace) {
        set(id) { $0.place = place }
        children[place] = id
        events.add(id, isAttached: true)
    }

    mutating func unlink(_ id: MountID) {
        guard let place = mounts[id]?.place else { return }
        if children[place] == id { children[place] = nil }
        set(id) { $0.place = nil }
    }

    /// Lies another mount's root on top of this one, without an event: what was at the place of a propagated copy.
    mutating func raise(_ id: MountID, onto place: SimulatedPlace) {
        unlink(id)
        set(id) { $0.place = place }
        children[place] = id
    }

    /// Ends a mount that is attached nowhere (any more).
    mutating func forget(_ id: MountID) { mounts[id] = nil }
}

extension SimulatedTable {
    /// The folders on the way, as far as nothing stands against it.
    mutating func makeFolders(to path: SimulatedPath) {
        var walked = SimulatedPath.top
        for name in path.names {
            walked = walked.appending(name)
            do throws(Errno) { try make(try lookUpName(walked), .folder) } catch { continue }
        }
    }
}

extension SimulatedFilesystem {
    /// A folder that may be there already, whatever stands against it.
    mutating func add(_ path: SimulatedPath) {
        do throws(Errno) { try make(path, .folder, through: false) } catch {}
    }
}
