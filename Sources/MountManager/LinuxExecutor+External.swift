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

    public func places(ofExternal source: MountSource) async throws(MountError) -> [Mountpoint] {
        let result = await onThread(of: .table) { () -> Result<[Mountpoint], MountError> in
            do throws(SystemCallError) {
                var sources: [KernelMountID: String]?
                var places: Set<Mountpoint> = []
                for entry in try self.root.table.entries() where self.isType(of: source, entry) {
                    guard let path = entry.mountpoint, let place = try? Mountpoint(path.string),
                        self.isExternal(place), try self.isSource(of: source, entry, &sources)
                    else { continue }
                    places.insert(place)
                }
                return .success(places.sorted())
            } catch {
                return .failure(.operation("look for", source, failed: error))
            }
        }
        return try result.flatMap { $0 }.get()
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
            var sources: [KernelMountID: String]?
            guard isType(of: source, top), try isSource(of: source, top, &sources) else {
                return .failure(
                    MountError(
                        .foreign,
                        "cannot attach \(source): at \(mountpoint) is a \(top.filesystemType) of another source",
                        context: context, hint: "see 'findmnt \(mountpoint)'"))
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
        let text = "mount \(top.id): \(top.filesystemType)"
        var sources: [KernelMountID: String]?
        guard isType(of: source, top), try isSource(of: source, top, &sources) else {
            return Examination(.replaced, found: text)
        }
        return Examination(id?.rawValue == top.id.rawValue ? .ok : .replaced, found: text)
    }

    private func isType(of source: MountSource, _ entry: MountEntry) -> Bool {
        guard case .external(let type)? = (try? catalog.entry(source.type))?.construction else { return false }
        // Kernels 6.8 to 6.12 leave the subtype out.
        return entry.filesystemType == type
            || (entry.filesystemType == "fuse" && type.utf8.starts(with: "fuse.".utf8))
    }

    /// The table's words are read by the type's grammar: `Server:/a/` is `server:/a`.
    private func isSource(
        of source: MountSource, _ entry: MountEntry, _ listed: inout [KernelMountID: String]?
    ) throws(SystemCallError) -> Bool {
        let found = try self.source(of: entry, among: &listed)
        let canonical = (try? catalog.entry(source.type).canonicalSource(found)) ?? found
        return canonical.utf8.elementsEqual(source.source.utf8)
    }
}
