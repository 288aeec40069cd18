// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
public import MountModel
internal import SystemPackage

extension LinuxExecutor {
    public func mountsBeneathRoot(except known: Set<MountID>) async -> [UnrecordedMount] {
        let result = await onThread(of: .table) { () -> [UnrecordedMount] in
            do throws(SystemCallError) {
                return try self.children(except: known)
            } catch {
                // The table cannot be read, which every operation on a mountpoint will say better.
                return []
            }
        }
        return (try? result.get()) ?? []
    }

    /// The mounts attached to the root itself, and not to one of those.
    private func children(except known: Set<MountID>) throws(SystemCallError) -> [UnrecordedMount] {
        var found: [UnrecordedMount] = []
        var listed: [KernelMountID: MountEntry]?
        for id in try root.table.descendants(of: root.id) where !known.contains(MountID(rawValue: id.rawValue)) {
            guard let entry = try root.table.entry(id), entry.parentID == root.id, let path = entry.mountpoint else {
                continue
            }
            found.append(
                UnrecordedMount(
                    path: path, id: MountID(rawValue: id.rawValue), type: entry.filesystemType,
                    source: try completed(entry, from: &listed).source?.description ?? "none"))
        }
        return found
    }

    /// The entry with what mountinfo always says and `statmount` does not: the options before 6.11, the subtype before
    /// 6.13, the source before 6.14. Mountinfo is read once for all.
    func completed(
        _ entry: MountEntry, from listed: inout [KernelMountID: MountEntry]?
    ) throws(SystemCallError) -> MountEntry {
        if entry.source != nil { return entry }
        if listed == nil {
            listed = Dictionary(
                try MountTable(.mountinfo).entries().map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        }
        guard let whole = listed?[entry.mountinfoID] else { return entry }
        var entry = entry
        entry.filesystemType = whole.filesystemType
        entry.source = whole.source
        entry.superblockOptions = whole.superblockOptions
        return entry
    }
}
