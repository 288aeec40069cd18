// SPDX-License-Identifier: Apache-2.0

public import LinuxMount
public import MountModel
public import SystemPackage

/// What anybody else on the host may do. Each is one system call and throws what the kernel would answer.
extension SimulatedKernel {
    /// `mount -t tmpfs`, over whatever is there.
    @discardableResult
    public func mountTmpfs(at path: FilePath) throws(Errno) -> MountID {
        try withTable { table throws(Errno) in
            let place = try table.lookUp(SimulatedPath(path))
            guard table.isFolder(place) else { throw .notDirectory }
            let id = table.newMount(of: table.newFilesystem(), attributes: [])
            do throws(Errno) {
                try table.attachNew(id, at: place)
            } catch {
                table.forget(id)
                throw error
            }
            return id
        }
    }

    /// `mount --bind`: a copy of the mount, with the folder as its root; a peer of it where that is shared.
    public func bind(_ path: FilePath, to other: FilePath) throws(Errno) {
        try withTable { table throws(Errno) in
            let to = try table.lookUp(SimulatedPath(other))
            let from = try table.lookUp(SimulatedPath(path))
            guard let mount = table.mounts[from.mount] else { throw .invalidArgument }
            guard table.isFolder(from), table.isFolder(to) else { throw .notDirectory }
            let id = table.newMount(
                of: mount.filesystem, root: from.folder, attributes: mount.attributes, peers: mount.peers)
            do throws(Errno) {
                try table.attachNew(id, at: to)
            } catch {
                table.forget(id)
                throw error
            }
        }
    }

    /// `umount`, or with `isLazy` `umount --lazy`.
    public func unmount(_ path: FilePath, isLazy: Bool) throws(Errno) {
        try withTable { table throws(Errno) in
            let mount = try table.mounted(at: SimulatedPath(path))
            if !isLazy, table.isBusy(mount.id) { throw .resourceBusy }
            table.detach(mount.id)
        }
    }

    /// `mount --move`.
    public func move(_ path: FilePath, to other: FilePath) throws(Errno) {
        try withTable { table throws(Errno) in
            let to = try table.lookUp(SimulatedPath(other))
            let mount = try table.mounted(at: SimulatedPath(path))
            guard table.isFolder(to), let place = mount.place, table.mounts[place.mount]?.peers == nil else {
                throw .invalidArgument
            }
            if table.tree(of: mount.id).contains(to.mount) { throw .tooManySymbolicLinkLevels }
            table.move(mount.id, to: to)
        }
    }

    /// `mount -o remount,bind,…`: the mount has exactly these attributes then.
    public func remount(_ path: FilePath, _ attributes: MountAttributes) throws(Errno) {
        try withTable { table throws(Errno) in
            let mount = try table.mounted(at: SimulatedPath(path))
            table.set(mount.id) { $0.attributes = attributes }
        }
    }

    /// `mount --make-shared`, or `--make-private`.
    public func setShared(_ path: FilePath, _ isShared: Bool) throws(Errno) {
        try withTable { table throws(Errno) in
            let mount = try table.mounted(at: SimulatedPath(path))
            let group = isShared ? mount.peers ?? table.newPeerGroup() : nil
            table.set(mount.id) { $0.peers = group }
        }
    }

    /// Opens a folder, which keeps its mount in use until `closeFile`.
    public func openFile(_ name: String, at path: FilePath) throws(Errno) {
        try withTable { table throws(Errno) in
            if table.handles[name] != nil { throw .fileExists }
            table.openFile(name, at: try table.lookUp(SimulatedPath(path)))
        }
    }

    /// Closes what was opened under the name.
    public func closeFile(_ name: String) { withTable { $0.closeFile(name) } }

    /// `mkdir`.
    public func makeFolder(_ path: FilePath) throws(Errno) {
        try withTable { table throws(Errno) in try table.make(try table.lookUpName(SimulatedPath(path)), .folder) }
    }

    /// Makes a file: an image, or one with nothing in it that matters.
    public func makeFile(_ path: FilePath, _ source: SimulatedSource = .garbage) throws(Errno) {
        try withTable { table throws(Errno) in try table.make(try table.lookUpName(SimulatedPath(path)), .file(source))
        }
    }

    /// Makes a block device with this on it.
    public func makeDevice(_ path: FilePath, _ source: SimulatedSource) throws(Errno) {
        try withTable { table throws(Errno) in
            try table.make(try table.lookUpName(SimulatedPath(path)), .device(source))
        }
    }

    /// `rmdir`.
    public func removeFolder(_ path: FilePath) throws(Errno) {
        try withTable { table throws(Errno) in try table.removeFolder(try table.lookUpName(SimulatedPath(path))) }
    }
}
