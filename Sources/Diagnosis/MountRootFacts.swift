// SPDX-License-Identifier: Apache-2.0

public import LinuxMount
public import MountModel
public import SystemPackage

/// The mount root as it is found: what is mounted on it, and what its filesystem can do.
public struct MountRootFacts: Hashable, Sendable {
    /// The folder itself, or the root of what is mounted there.
    public var folder: FolderFacts
    /// The mounts at the path, the lowest first.
    public var mounts: [MountEntry]
    /// Whether its filesystem has the immutable flag; nil where that could not be asked.
    public var hasImmutableFlag: Bool?
    /// The daemon's own mount there, if a daemon says so.
    public var expected: KernelMountID?

    /// Puts the parts together.
    public init(
        folder: FolderFacts, mounts: [MountEntry], hasImmutableFlag: Bool?, expected: KernelMountID? = nil
    ) {
        self.folder = folder
        self.mounts = mounts
        self.hasImmutableFlag = hasImmutableFlag
        self.expected = expected
    }

    /// Looks at the folder and at the mount table. Blocks as long as the folder's filesystem does.
    ///
    /// - Parameters:
    ///   - table: whose ids `expected` is one of.
    ///   - expected: the daemon's own mount; nil where none is known.
    public init(
        lookingAt path: FilePath, table: MountTable = .current, expected: KernelMountID? = nil
    ) throws(SystemCallError) {
        let mounts = try table.entries(at: path)
        self.mounts = mounts
        self.expected = expected
        // What others have mounted over it may be dead, and hang whoever looks.
        let isOthers = expected.map { mounts.last?.id != $0 } ?? (Self.cover(of: mounts) != nil)
        guard !isOthers else {
            folder = FolderFacts(path: path, presence: .folder)
            return
        }
        folder = FolderFacts(lookingAt: path)
        guard folder.presence == .folder else { return }
        do throws(SystemCallError) {
            hasImmutableFlag = try FolderFlags.areSupported(at: path)
        } catch {
            hasImmutableFlag = nil
        }
    }

    /// What is wrong.
    public var findings: [Finding] { presence + trust + coverage + propagation + flags }

    private var presence: [Finding] {
        switch folder.presence {
        case .folder: []
        case .missing:
            [
                Finding(
                    "mount_root_missing", expected == nil ? .notice : .error,
                    what: "the mount root \(folder.path) does not exist",
                    why: "nothing can be mounted beneath it",
                    action: "start holdfastd, which makes it; if it runs, find out who removed it, and restart it")
            ]
        case .otherKind, .unknown:
            [
                Finding(
                    "mount_root_unusable", .error, what: "the mount root \(folder.path) is no folder that can be used",
                    why: "nothing can be mounted beneath it",
                    action: "see what it is, move it away, and restart holdfastd")
            ]
        }
    }

    /// What lies over the mount root's own mount, as far as the mounts alone tell: that one shows the very folder that
    /// it covers.
    private static func cover(of mounts: [MountEntry]) -> MountEntry? {
        guard mounts.count > 1, let top = mounts.last else { return nil }
        return top.showsSame(as: mounts[mounts.count - 2]) ? nil : top
    }

    /// What keeps holdfastd from starting, or from starting again.
    private var trust: [Finding] {
        guard folder.presence == .folder, folder.owner != 0 || folder.permissions & 0o022 != 0 else {
            return []
        }
        let octal = String(folder.permissions, radix: 8)
        return [
            Finding(
                "mount_root_not_trusted", .error,
                what: "the mount root \(folder.path) has owner \(folder.owner) and mode \(octal)"
                    + (mounts.last.map { ": it is the root of a \($0.filesystemType) that is mounted there" } ?? ""),
                why: "others could exchange what is beneath it: holdfastd does not start with it",
                action: mounts.isEmpty
                    ? "chown root \(folder.path), and chmod go-w \(folder.path)"
                    : "see it with 'findmnt \(folder.path)', and unmount it if it is not meant to be there; if it is, "
                        + "give its root folder to root, and chmod go-w")
        ]
    }

    private var coverage: [Finding] {
        guard let expected else { return Self.cover(of: mounts).map { [covered(by: $0)] } ?? [] }
        guard mounts.contains(where: { $0.id == expected }) else {
            return [
                Finding(
                    "mount_root_gone", .error, what: "the mount root's own mount at \(folder.path) is gone",
                    why: "who walks the path does not arrive at what is mounted beneath it",
                    action: "restart holdfastd, which makes it again; see who unmounted it")
            ]
        }
        guard let top = mounts.last, top.id != expected else { return [] }
        return [covered(by: top)]
    }

    private func covered(by top: MountEntry) -> Finding {
        Finding(
            "mount_root_covered", .error,
            what: "mount \(top.id) (\(top.filesystemType)) was mounted over the mount root \(folder.path)",
            why: "consumers do not see what is mounted beneath the root; nothing can be attached",
            action: "see it with 'findmnt \(folder.path)', and unmount it when it is not needed")
    }

    private var propagation: [Finding] {
        guard let own = mounts.first(where: { $0.id == expected }) else { return [] }
        guard own.propagation == .shared || own.propagation == .sharedSlave else { return [] }
        return [
            Finding(
                "mount_root_shared", .warning, what: "the mount root \(folder.path) is shared",
                why: "mounts beneath it spread, and an ordinary user can keep them from being unmounted",
                action: "holdfastd makes it private again within seconds; find out who makes it shared")
        ]
    }

    private var flags: [Finding] {
        guard hasImmutableFlag == false else { return [] }
        return [
            Finding(
                "immutable_unsupported", .warning,
                what: "the filesystem of the mount root \(folder.path) has no immutable flag",
                why: "root can write into a mountpoint whose mount is gone, and fill the host's disk; others cannot",
                action: "put the mount root on ext4, xfs or btrfs, or tmpfs from kernel 6.6 on")
        ]
    }
}
