// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
internal import LinuxMount
public import MountModel
internal import SystemPackage

// Mounts that somebody else makes and ends, wherever that is: only the mount table is asked about them, and nothing is
// changed.
extension LinuxExecutor {
    /// Whether the mountpoint is where others mount: outside the mount root nothing of Holdfast's own is.
    func isExternal(_ mountpoint: Mountpoint) -> Bool { !mountpoint.path.starts(with: root.path) }

    public func places(
        ofExternal source: MountSource, within limit: Duration
    ) async throws(MountError) -> [Mountpoint] {
        let found = await placeLooks.value(of: source, within: limit) {
            await self.onThread(of: .table) { self.findPlaces(ofExternal: source) }.flatMap { $0 }
        }
        if let found { return try found.get() }
        let context = MountError.Context(operation: "attach", type: source.type.rawValue, source: source.source)
        if Task.isCancelled {
            throw MountError(.cancelled, "nobody waits for the look for \(source) any more", context: context)
        }
        throw MountError(
            .timedOut, "cannot look for \(source): the mount table was not read in time", context: context,
            hint: "naming the mountpoint saves the look")
    }

    private func findPlaces(ofExternal source: MountSource) -> Result<[Mountpoint], MountError> {
        do throws(SystemCallError) {
            var listed: [KernelMountID: MountEntry]?
            var places: Set<Mountpoint> = []
            for entry in try root.table.entries() {
                guard let path = entry.mountpoint, try difference(of: entry, from: source, &listed) == nil,
                    let place = try? Mountpoint(path.string), isExternal(place)
                else { continue }
                places.insert(place)
            }
            return .success(places.sorted())
        } catch {
            return .failure(.operation("look for", source, failed: error))
        }
    }

    /// What is there, relative to the mount of this id.
    func observeExternal(_ mountpoint: Mountpoint, expecting id: MountID?) throws(SystemCallError) -> OperationOutcome {
        let path = mountpoint.path
        let top = try root.table.entry(onTopAt: path)
        guard let id else { return OperationOutcome(top == nil ? .empty : .foreign) }
        let kernelID = KernelMountID(rawValue: id.rawValue)
        if top?.id == kernelID { return OperationOutcome(.ours) }
        if let entry = try root.table.entry(kernelID) {
            if entry.mountpoint == path { return .covered(path) }
            return .moved(
                Observation(top: top.map { .mount($0.id) } ?? .folder, ours: .elsewhere(entry.mountpoint)), from: path)
        }
        return OperationOutcome(top == nil ? .empty : .foreign)
    }

    /// The mount that somebody has made of this source at the mountpoint.
    func findExternal(_ source: MountSource, at mountpoint: Mountpoint) -> Result<MountID, MountError> {
        let context = MountError.Context(
            operation: "build", type: source.type.rawValue, source: source.source, target: mountpoint.description)
        do throws(SystemCallError) {
            guard let top = try root.table.entry(onTopAt: mountpoint.path) else {
                return .failure(
                    MountError(
                        .mountFailed, "cannot attach \(source): nothing is mounted at \(mountpoint)", context: context,
                        hint: "whoever mounts \(source.type) filesystems on this host has to: Holdfast never does"))
            }
            var listed: [KernelMountID: MountEntry]?
            if let difference = try difference(of: top, from: source, &listed) {
                return .failure(
                    MountError(
                        .foreign, "cannot attach \(source): at \(mountpoint) is \(difference)", context: context,
                        hint: "see 'findmnt \(mountpoint)'"))
            }
            return .success(MountID(rawValue: top.id.rawValue))
        } catch {
            return .failure(.operation("look at", mountpoint, failed: error))
        }
    }

    /// Compares the topmost mount with what the source says.
    func examineExternal(
        _ mountpoint: Mountpoint, expecting id: MountID?, of source: MountSource
    ) throws(SystemCallError) -> Examination {
        guard let top = try root.table.entry(onTopAt: mountpoint.path) else {
            return Examination(.missing, found: "nothing is mounted")
        }
        var listed: [KernelMountID: MountEntry]?
        if let difference = try difference(of: top, from: source, &listed) {
            return Examination(.replaced, found: "mount \(top.id): \(difference)")
        }
        return Examination(
            id?.rawValue == top.id.rawValue ? .ok : .replaced, found: "mount \(top.id): \(top.filesystemType)")
    }

    /// What a mount is, where it is not the source as root has mounted it; nil where it is.
    ///
    /// The table's words are read by the type's grammar: `Server:/a/` is `server:/a`.
    private func difference(
        of entry: MountEntry, from source: MountSource, _ listed: inout [KernelMountID: MountEntry]?
    ) throws(SystemCallError) -> String? {
        let entry = try completed(entry, from: &listed)
        guard case .external(let type)? = (try? catalog.entry(source.type))?.construction,
            entry.filesystemType == type, let found = entry.source?.description
        else { return "a \(entry.filesystemType)" }
        let canonical = (try? catalog.entry(source.type).canonicalSource(found)) ?? found
        guard canonical.utf8.elementsEqual(source.source.utf8) else {
            return "a \(entry.filesystemType) of another source"
        }
        return entry.isMountedByRoot ? nil : "a \(entry.filesystemType) that another than root has mounted"
    }
}
