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
        var sources: [KernelMountID: String]?
        for id in try root.table.descendants(of: root.id) where !known.contains(MountID(rawValue: id.rawValue)) {
            guard let entry = try root.table.entry(id), entry.parentID == root.id, let path = entry.mountpoint else {
                continue
            }
            found.append(
                UnrecordedMount(
                    path: path, id: MountID(rawValue: id.rawValue), type: entry.filesystemType,
                    source: try source(of: entry, among: &sources)))
        }
        return found
    }

    func source(
        of entry: MountEntry, among listed: inout [KernelMountID: String]?
    ) throws(SystemCallError) -> String {
        if let source = entry.source { return source.description }
        // `statmount` says it from 6.14 on, mountinfo always; it is read once for all.
        if listed == nil {
            listed = Dictionary(
                try MountTable(.mountinfo).entries().map { ($0.id, $0.source?.description ?? "none") },
                uniquingKeysWith: { first, _ in first })
        }
        return listed?[entry.mountinfoID] ?? "none"
    }
}
