// SPDX-License-Identifier: Apache-2.0

internal import CLinux
public import SystemPackage

/// A folder beneath which Holdfast mounts: a bind of the folder onto itself, private before anything is mounted
/// beneath.
///
/// Beneath a shared mount an ordinary user could make our mounts and unmounts fail. Operations go through a descriptor
/// on the root, so nothing that happens on the way to it matters to them. They may be called from any thread.
public final class ManagedRoot: Sendable {
    /// How the root came to be.
    public enum Origin: Hashable, Sendable {
        /// It was bound now.
        case created
        /// An earlier daemon's was taken over.
        case reused
        /// An earlier daemon's was taken over; others had made it shared, which was undone.
        case madePrivateAgain
    }

    /// Where it is.
    public var path: FilePath { held.path }
    /// Its mount.
    public var id: KernelMountID { held.id }
    /// The table that its targets ask.
    public var table: MountTable { held.table }
    /// How it came to be.
    public let origin: Origin
    let held: HeldMount

    private init(_ held: HeldMount, _ origin: Origin) {
        self.held = held
        self.origin = origin
    }

    /// Makes the folder (root's, 0755) and its mount, or takes over the one that is there.
    ///
    /// - Parameter repairs: whether one that others have made shared is made private again.
    /// - Throws: EINVAL for a path that is not absolute and plain, ELOOP for a symbolic link in any component, EPERM
    ///   for a folder on the way that others could exchange, EBUSY when others have mounted over an own root.
    public static func prepare(
        at path: FilePath, table: MountTable = .current, repairs: Bool = true
    ) throws(SystemCallError) -> ManagedRoot {
        let folder = try TrustedFolder(at: path, mode: 0o755, .place(missing: 0o755))
        let stack = try MountStack(of: folder, table: table)
        if let own = stack.entries.first(where: { stack.isBindOntoItself($0, path: path) }) {
            guard own.id == stack.entries.first?.id else {
                throw SystemCallError("open_tree", .resourceBusy, on: "\(path) (others have mounted over it)")
            }
            let held = try HeldMount(reusing: folder, path: path, table: table)
            guard repairs, own.propagation != .private else { return ManagedRoot(held, .reused) }
            try held.makePrivate(recursive: true)
            return ManagedRoot(held, .madePrivateAgain)
        }
        let clone = try DetachedMount(cloning: folder.leaf)
        return ManagedRoot(try HeldMount(attaching: clone, at: folder, path: path, table: table), .created)
    }

    /// The root that another process has prepared, as it is.
    ///
    /// - Throws: EINVAL where there is none, or others have mounted over it; else as ``prepare(at:table:)``.
    public static func open(at path: FilePath, table: MountTable = .current) throws(SystemCallError) -> ManagedRoot {
        let folder = try TrustedFolder(at: path, mode: 0o755, .place(missing: 0o755))
        let stack = try MountStack(of: folder, table: table)
        guard let top = stack.entries.first, stack.isBindOntoItself(top, path: path) else {
            throw SystemCallError("openat2", .invalidArgument, on: "\(path) (not a mount root)")
        }
        return ManagedRoot(try HeldMount(reusing: folder, path: path, table: table), .reused)
    }

    /// Makes the folder, and those on the way to it, and mounts nothing; one that is there is checked.
    ///
    /// - Throws: as ``prepare(at:table:repairs:)``.
    public static func makeFolder(at path: FilePath) throws(SystemCallError) {
        _ = try TrustedFolder(at: path, mode: 0o755, .place(missing: 0o755))
    }

    /// Whether who walks the root's path arrives at it: not if somebody has mounted over it or a folder on the way, or
    /// has unmounted it. What is done through this value would then be out of everybody's sight.
    ///
    /// Blocks as long as the filesystems on the way do.
    ///
    /// - Throws: what looking at the path answers.
    public func isVisible() throws(SystemCallError) -> Bool {
        try table.mountID(of: OwnedDescriptor.openFolder(atAbsolute: path)) == id
    }

    /// Whether others have made the root shared, or a slave.
    ///
    /// - Throws: the kernel's refusal.
    public func isExposed() throws(SystemCallError) -> Bool {
        guard let entry = try table.entry(id) else { return false }
        return entry.propagation != .private
    }

    /// Makes the root private again if others have made it shared, or a slave.
    ///
    /// What was mounted beneath it meanwhile is shared too, and made private with it; where it has spread to its peers
    /// it stays.
    ///
    /// - Returns: whether it had to be.
    /// - Throws: the kernel's refusal.
    public func keepPrivate() throws(SystemCallError) -> Bool {
        guard try isExposed() else { return false }
        try held.makePrivate(recursive: true)
        return true
    }

    /// Unmounts the root, exactly it; its folder stays. Every later operation on it or its targets fails with ENOTDIR.
    ///
    /// - Throws: EBUSY while something is mounted beneath or over it or uses it; it goes on working then.
    public func release() throws(SystemCallError) { try held.unmount() }

    /// A place beneath this root. Nothing is looked up.
    ///
    /// - Throws: EINVAL unless the path is relative and made of names only: no `..`, no `.`, not empty.
    public func target(_ relative: FilePath) throws(SystemCallError) -> TargetPath {
        guard relative.isRelative, !relative.isEmpty, relative.components.allSatisfy({ $0.kind == .regular }) else {
            throw SystemCallError("openat2", .invalidArgument, on: relative.string)
        }
        return TargetPath(root: self, relative: relative)
    }
}

/// The mounts at one folder, from the topmost down, and the mount that holds the folder.
struct MountStack {
    var entries: [MountEntry] = []
    private var holder: MountEntry?

    init(of folder: borrowing TrustedFolder, table: MountTable) throws(SystemCallError) {
        let bottom = try table.mountID(of: folder.parent)
        var next = try table.mountID(of: folder.leaf)
        while next != bottom, let entry = try table.entry(next), entry.parentID != next {
            entries.append(entry)
            next = entry.parentID
        }
        holder = try table.entry(bottom)
    }

    /// The mount shows the very folder that it covers.
    func isBindOntoItself(_ entry: MountEntry, path: FilePath) -> Bool {
        let covered = entries.first { $0.id == entry.parentID } ?? holder
        guard let covered, covered.id == entry.parentID, let mountpoint = covered.mountpoint else { return false }
        var relative = path
        guard relative.removePrefix(mountpoint) else { return false }
        let shown = relative.isEmpty ? covered.root : covered.root.appending(relative.components)
        return entry.device == covered.device && entry.root == shown && !entry.isRootDeleted
    }
}
