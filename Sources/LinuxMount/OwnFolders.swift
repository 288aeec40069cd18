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

    /// What a path leads to.
    public enum Opened: ~Copyable {
        /// Its place (`O_PATH`), which shows none of the folders.
        case others(OwnedDescriptor)
        /// It lies in one of them, or one lies in it, on the same filesystem.
        case own(Shown)
    }

    /// What shows one of the folders.
    public struct Shown: Hashable, Sendable, CustomStringConvertible {
        /// By which path it was reached.
        public var path: FilePath
        /// The folder that it shows.
        public var folder: FilePath

        /// Joins the two.
        public init(_ path: FilePath, shows folder: FilePath) {
            self.path = path
            self.folder = folder
        }

        /// For an error's text.
        public var description: String { "\(path) shows \(folder), which is Holdfast's own" }
    }

    /// Opens the place of a folder by an absolute path, of which no component may be a symbolic link, if it shows none
    /// of them.
    ///
    /// Blocks as long as the filesystems on the way do: a worker's.
    ///
    /// - Throws: what `openat2` answers; `ELOOP` for a symbolic link, `ENOTDIR` for what is no folder.
    public func openFolder(_ path: FilePath) throws(SystemCallError) -> Opened {
        try check(SourceFolder.open(path), at: path)
    }

    /// The same for an image.
    ///
    /// - Throws: what `openat2` answers; `ELOOP` for a symbolic link.
    public func openImage(_ path: FilePath) throws(SystemCallError) -> Opened {
        try check(.openForInspection(path), at: path)
    }

    /// What lies on the filesystem of a block device, which could be mounted a second time and show all of it; nil
    /// where none of them does.
    ///
    /// - Throws: what looking at the device, or at the folders, answers.
    public func folder(onDevice path: FilePath) throws(SystemCallError) -> Shown? {
        let facts = try FileFacts(of: .openForInspection(path), on: path)
        let device = DeviceNumber(major: facts.deviceMajor, minor: facts.deviceMinor)
        return try first { $0.device == device }.map { Shown(path, shows: $0) }
    }

    private func check(
        _ opened: consuming OwnedDescriptor, at path: FilePath
    ) throws(SystemCallError) -> Opened {
        let shown = try location(of: opened, at: path)
        let own = try first {
            $0.device == shown.device && (shown.path.starts(with: $0.path) || $0.path.starts(with: shown.path))
        }
        if let own { return .own(Shown(path, shows: own)) }
        return .others(opened)
    }

    /// The first that lies as asked; those that do not exist do not count.
    private func first(where isMeant: (Location) -> Bool) throws(SystemCallError) -> FilePath? {
        for folder in folders {
            do throws(SystemCallError) {
                if isMeant(try location(of: .openForInspection(folder), at: folder)) { return folder }
            } catch {
                if error.errno == .noSuchFileOrDirectory { continue }
                throw error
            }
        }
        return nil
    }

    private struct Location {
        let device: DeviceNumber
        /// From the filesystem's own root.
        let path: FilePath
    }

    /// - Throws: EXDEV where the table does not say: somebody has just moved the mount, or it is out of reach.
    private func location(
        of opened: borrowing OwnedDescriptor, at path: FilePath
    ) throws(SystemCallError) -> Location {
        var relative = path
        guard let entry = try table.entry(table.mountID(of: opened)), let mountpoint = entry.mountpoint,
            relative.removePrefix(mountpoint)
        else {
            throw SystemCallError(
                "statmount", .improperLink, on: "\(path) (the mount table does not say on which mount it lies)")
        }
        return Location(device: entry.device, path: entry.root.appending(relative.components))
    }
}
