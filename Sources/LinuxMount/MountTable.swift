// SPDX-License-Identifier: Apache-2.0

internal import CLinux
public import SystemPackage

/// What the kernel says about the mounts of this process's namespace. No question to it touches a filesystem, so none
/// can hang.
///
/// Two methods give the same answers: `statmount`/`listmount` (6.8), which cost the same with 20,000 mounts as with
/// twenty, and mountinfo, which is read whole each time. Ids are the table's own: those of the first are unique for the
/// life of a boot, those of the second may be given again after an unmount.
public struct MountTable: Hashable, Sendable {
    /// Where the answers come from.
    public enum Method: String, Hashable, Sendable, CaseIterable {
        /// `man 2 statmount`, `man 2 listmount`.
        case statmount
        /// `man 5 proc_pid_mountinfo`.
        case mountinfo
    }

    /// The best method that this kernel has.
    public static let current = MountTable(
        KernelFeatures.current.hasStatmount && KernelFeatures.current.hasListmount
            && KernelFeatures.current.hasUniqueMountIDs ? .statmount : .mountinfo)

    /// Where this table's answers come from.
    public let method: Method

    /// A table of a given method; calls fail with ENOSYS where the kernel lacks it.
    public init(_ method: Method) { self.method = method }

    /// The mount of an id, or nil when it is attached nowhere in this namespace (which includes a detached one).
    ///
    /// - Throws: the kernel's refusal.
    public func entry(_ id: KernelMountID) throws(SystemCallError) -> MountEntry? {
        switch method {
        case .statmount: try Self.statmount(id)
        case .mountinfo: try Self.readMountInfo().first { $0.id == id }
        }
    }

    /// Which of these are attached somewhere in this namespace; reads the table once at most.
    ///
    /// - Throws: the kernel's refusal.
    public func attached(of ids: Set<KernelMountID>) throws(SystemCallError) -> Set<KernelMountID> {
        switch method {
        case .statmount:
            var attached: Set<KernelMountID> = []
            for id in ids where try Self.statmount(id) != nil { attached.insert(id) }
            return attached
        case .mountinfo:
            return ids.isEmpty ? [] : ids.intersection(try Self.readMountInfo().map(\.id))
        }
    }

    /// All mounts that this process can reach, by ascending id.
    ///
    /// - Throws: the kernel's refusal; EBADMSG for a mountinfo that cannot be read.
    public func entries() throws(SystemCallError) -> [MountEntry] {
        switch method {
        case .statmount:
            var entries: [MountEntry] = []
            for id in try Self.listmount(UInt64.max) {
                if let entry = try Self.statmount(id), entry.mountpoint != nil { entries.append(entry) }
            }
            return entries
        case .mountinfo:
            return try Self.readMountInfo().sorted { $0.id < $1.id }
        }
    }

    /// The mounts at one path, the lowest first.
    ///
    /// - Throws: as `entries()`.
    public func entries(at mountpoint: FilePath) throws(SystemCallError) -> [MountEntry] {
        var left = try entries().filter { $0.mountpoint == mountpoint }
        var stack: [MountEntry] = []
        let ids = Set(left.map(\.id))
        // Each is attached to the one below it; the lowest one's parent is elsewhere (or itself, for the root).
        var below = left.first { !ids.contains($0.parentID) || $0.parentID == $0.id }
        while let found = below {
            stack.append(found)
            left.removeAll { $0.id == found.id }
            below = left.first { $0.parentID == found.id }
        }
        return stack + left
    }

    /// The mounts strictly beneath a path, by ascending id; `/a/b` is not beneath `/a/bc`.
    ///
    /// - Throws: as `entries()`.
    public func entries(beneath folder: FilePath) throws(SystemCallError) -> [MountEntry] {
        try entries().filter { $0.mountpoint.map { $0 != folder && $0.starts(with: folder) } ?? false }
    }

    /// The ids of all mounts attached to a mount, or to one of those, and so on, by ascending id.
    ///
    /// - Throws: the kernel's refusal; ENOENT for an unknown id with `statmount`.
    public func descendants(of id: KernelMountID) throws(SystemCallError) -> [KernelMountID] {
        if method == .statmount { return try Self.listmount(id.rawValue) }
        let children = Dictionary(grouping: try Self.readMountInfo(), by: \.parentID)
        var found: [KernelMountID] = []
        var pending = [id]
        while let parent = pending.popLast() {
            for child in children[parent] ?? [] where child.id != parent {
                found.append(child.id)
                pending.append(child.id)
            }
        }
        return found.sorted()
    }
}
