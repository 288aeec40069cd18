// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// Folders that no mount may show: the daemon's own.
///
/// What shows them is found by where it is in its filesystem, so it does not matter by which mount it is reached. A
/// filesystem that is made of others (overlay) hides that.
public struct OwnFolders: Sendable {
    private let folders: [FilePath]
    private let table: MountTable

    /// Nothing is looked up; those that do not exist do not count.
    public init(_ folders: [FilePath], table: MountTable = .current) {
        self.folders = folders
        self.table = table
    }

    /// Whether what is at the path shows one of them: it lies in one, or one lies in it, on the same filesystem.
    ///
    /// Blocks as long as the filesystems on the way do: a worker's.
    ///
    /// - Throws: EDEADLK where it does; what `openat2` answers, `ELOOP` for a symbolic link.
    public func refuse(_ path: FilePath) throws(SystemCallError) {
        guard let shown = try location(of: path) else { return }
        for folder in folders {
            let own: Location?
            do throws(SystemCallError) { own = try location(of: folder) } catch {
                if error.errno == .noSuchFileOrDirectory { continue }
                throw error
            }
            guard let own, own.device == shown.device else { continue }
            if shown.path.starts(with: own.path) || own.path.starts(with: shown.path) {
                throw SystemCallError("openat2", Self.refusal, on: "\(path) shows \(folder), which is Holdfast's own")
            }
        }
    }

    /// What is thrown where something shows one of them; nothing that builds a mount answers it.
    public static let refusal = Errno.deadlock

    private struct Location {
        let device: DeviceNumber
        /// From the filesystem's own root.
        let path: FilePath
    }

    private func location(of path: FilePath) throws(SystemCallError) -> Location? {
        let opened = try OwnedDescriptor.openForInspection(path)
        guard let entry = try table.entry(table.mountID(of: opened)), let mountpoint = entry.mountpoint else {
            return nil
        }
        var relative = path
        guard relative.removePrefix(mountpoint) else { return nil }
        return Location(device: entry.device, path: entry.root.appending(relative.components))
    }
}
