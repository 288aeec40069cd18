// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Synchronization
public import SystemPackage

/// A private place with one slot a mount, where mounts are unmounted that nobody else must be able to mount over.
///
/// It is a tiny tmpfs of its own, mode 0700 and private. A slot is a folder named by the mount's id: after a crash the
/// id finds its slot without any record. Operations may be called from any thread.
public final class ParkingLot: Sendable {
    /// Where it is.
    public let path: FilePath
    /// Its mount.
    public var id: KernelMountID { held.id }
    /// Its mount, until others unmount it.
    private let current: Mutex<HeldMount>
    /// Whether it is made where it is missing, or only taken over.
    private let isMaker: Bool
    private let table: MountTable
    var held: HeldMount { current.withLock { $0 } }

    private static let source = "holdfast-parking"
    /// How often a mount is moved back from beneath what others mount over it meanwhile.
    private static let attempts = 64

    private init(_ held: HeldMount, isMaker: Bool) {
        path = held.path
        table = held.table
        current = Mutex(held)
        self.isMaker = isMaker
    }

    /// Makes the folder (root's, 0700) and its tmpfs, or takes over those of an earlier daemon with what is parked
    /// there.
    ///
    /// - Parameter repairs: whether one that others have made shared is made private again, and empty slots are
    ///   removed.
    /// - Throws: as `ManagedRoot.prepare`.
    public static func prepare(
        at path: FilePath, table: MountTable = .current, repairs: Bool = true
    ) throws(SystemCallError) -> ParkingLot {
        let (held, isNew) = try attach(at: path, table: table)
        let lot = ParkingLot(held, isMaker: true)
        guard repairs, !isNew else { return lot }
        if try table.entry(lot.id)?.propagation != .private { try held.makePrivate() }
        try lot.removeEmptySlots()
        return lot
    }

    /// The lot's mount as it is, or a new one.
    private static func attach(
        at path: FilePath, table: MountTable
    ) throws(SystemCallError) -> (mount: HeldMount, isNew: Bool) {
        let folder = try TrustedFolder(at: path, mode: 0o700, .place(missing: 0o700))
        let stack = try MountStack(of: folder, table: table).entries
        var own: MountEntry?
        for entry in stack.reversed() {
            if try isOwn(entry) { own = entry }
        }
        if let own {
            guard own.id == stack.first?.id else {
                throw SystemCallError("fsmount", .resourceBusy, on: "\(path) (others have mounted over it)")
            }
            return (try HeldMount(reusing: folder, path: path, table: table), false)
        }
        var context = try FilesystemContext(type: "tmpfs")
        try context.setString("source", source)
        try context.setString("mode", "0700")
        // Folders only: they take inodes, not blocks.
        try context.setString("size", "64k")
        try context.create()
        let mount = try context.mount(attributes: [.noSetUserID, .noDevices, .noExecute])
        return (try HeldMount(attaching: mount, at: folder, path: path, table: table), true)
    }

    /// The parking lot that another process has prepared, as it is.
    ///
    /// - Throws: EINVAL where there is none, or others have mounted over it; else as ``prepare(at:table:)``.
    public static func open(at path: FilePath, table: MountTable = .current) throws(SystemCallError) -> ParkingLot {
        ParkingLot(try takeOver(at: path, table: table), isMaker: false)
    }

    private static func takeOver(at path: FilePath, table: MountTable) throws(SystemCallError) -> HeldMount {
        let folder = try TrustedFolder(at: path, mode: 0o700, .place(missing: 0o700))
        guard let top = try MountStack(of: folder, table: table).entries.first, try isOwn(top) else {
            throw SystemCallError("openat2", .invalidArgument, on: "\(path) (not a parking lot)")
        }
        return try HeldMount(reusing: folder, path: path, table: table)
    }

    /// Makes the lot anew where others have unmounted it, or takes over the one that its maker has made since; what was
    /// parked in it is gone with it. Does not block.
    ///
    /// - Returns: whether it was gone.
    /// - Throws: as ``prepare(at:table:repairs:)`` or ``open(at:table:)``; a later call tries again.
    public func keepAttached() throws(SystemCallError) -> Bool {
        try current.withLock { (held) throws(SystemCallError) in
            if try table.entry(held.id) != nil { return false }
            held = try isMaker ? Self.attach(at: path, table: table).mount : Self.takeOver(at: path, table: table)
            return true
        }
    }

    private static func isOwn(_ entry: MountEntry) throws(SystemCallError) -> Bool {
        guard entry.filesystemType == "tmpfs", entry.root == "/" else { return false }
        if let known = entry.source { return known == KernelText(source) }
        // A kernel whose statmount does not name sources.
        let all = try MountTable(.mountinfo).entries()
        return all.contains { $0.id == entry.mountinfoID && $0.source == KernelText(source) }
    }

    /// Whether the mount of that id is in its slot, on top. Does not block.
    ///
    /// - Throws: the kernel's refusal.
    public func contains(_ id: KernelMountID) throws(SystemCallError) -> Bool { try top(ofSlot: id) == id }

    /// The ids of the slots in which something is mounted, ascending. Does not block.
    ///
    /// - Throws: the kernel's refusal.
    public func slots() throws(SystemCallError) -> [KernelMountID] {
        var occupied: [KernelMountID] = []
        for id in try slotFolders() where try holds(id) { occupied.append(id) }
        return occupied
    }

    /// How ending a parked mount went.
    public enum FinishOutcome: Hashable, Sendable {
        /// The mount is gone, and its slot.
        case unmounted
        /// It is in use and stays in its slot.
        case busy
        /// It is not in the parking lot.
        case absent
        /// Another mount that was carried along covers it, or was lifted off it: `moveBack` and `unmountExactly` put it
        /// back.
        case covered(by: KernelMountID)
    }

    /// What to use against a mount that does not end by itself.
    public enum Force: Hashable, Sendable {
        /// Nothing: only a mount that nobody uses is unmounted.
        case none
        /// `MNT_FORCE`: requests in flight fail (network types). It acts even when the mount then stays busy.
        case abortRequests
        /// `MNT_DETACH`: the mount leaves the table now and ends with its last user, unseen from then on.
        case detach

        var flags: CInt {
            switch self {
            case .none: 0
            case .abortRequests: HF_MNT_FORCE
            case .detach: HF_MNT_DETACH
            }
        }
    }

    /// Unmounts the mount of that id in its slot, if it is there and nobody uses it. May wait for the filesystem's end.
    ///
    /// - Throws: the kernel's refusal.
    public func finish(_ id: KernelMountID, force: Force = .none) throws(SystemCallError) -> FinishOutcome {
        if let lifted = try topOfLifted(id) { return .covered(by: lifted) }
        guard let top = try top(ofSlot: id) else {
            try removeSlot(id)
            return .absent
        }
        guard top == id else { return .covered(by: top) }
        let slot = name(ofSlot: id)
        if force == .none {
            // A probe that takes nothing.
            let probe = held.root.unmount(slot, HF_MNT_EXPIRE, as: .probeInSlot)
            switch Errno(rawValue: -probe) {
            case .resourceTemporarilyUnavailable: break
            case .resourceBusy: return .busy
            case _ where probe >= 0: break
            case let errno: throw SystemCallError("umount2", errno, on: subject(id))
            }
            let now = try self.top(ofSlot: id)
            guard now == id else { return now.map(FinishOutcome.covered) ?? .absent }
        }
        let unmounted = held.root.unmount(slot, force.flags, as: .unmountInSlot)
        if unmounted == -Errno.resourceBusy.rawValue { return .busy }
        try SystemCallError.check(unmounted, "umount2", on: subject(id))
        try removeSlot(id)
        return .unmounted
    }

    /// How putting a mount back went.
    public enum MoveBackOutcome: Hashable, Sendable {
        /// It is at the place again, beneath what was carried along with it.
        case movedBack
        /// It is not in its slot.
        case absent
        /// Something else is mounted at the place now; it stays in its slot.
        case occupied(by: KernelMountID)
    }

    /// Puts a parked mount back at its place, and over it, in their order, others' mounts that were carried along when
    /// it was parked: the picture is as it was before. What was carried along goes back in any case. Does not block.
    ///
    /// - Throws: ENOENT when the place's folder is not there any more, EXDEV when one on the way is covered, else the
    ///   kernel's refusal. What is not back yet stays in the parking lot, and the next call goes on.
    public func moveBack(
        _ id: KernelMountID, to target: TargetPath
    ) throws(SystemCallError) -> MoveBackOutcome {
        for _ in 0..<Self.attempts {
            try lift(from: id)
            guard let outcome = try moveUncoveredBack(id, to: target) else { continue }
            _ = try putBackCarried(over: id, onto: target)
            return outcome
        }
        throw SystemCallError("move_mount", .resourceBusy, on: "\(subject(id)) (others mount over it again and again)")
    }

    /// Moves it back unless something lies on it; nil is worth another look.
    private func moveUncoveredBack(
        _ id: KernelMountID, to target: TargetPath
    ) throws(SystemCallError) -> MoveBackOutcome? {
        guard let top = try top(ofSlot: id) else { return .absent }
        guard top == id else { return nil }
        if case .mount(let other) = try target.topmost() { return .occupied(by: other) }
        let isBack = try move(
            id, from: name(ofSlot: id), to: target.requireParent(), target.name, as: .moveBack, on: target.path.string)
        guard isBack else { return nil }
        try removeSlot(id)
        return .movedBack
    }

    /// Unmounts the parking lot, exactly it; its folder stays. Every later operation on it fails with ENOTDIR.
    ///
    /// - Throws: EBUSY while something is parked or others use it; it goes on working then.
    public func release() throws(SystemCallError) { try held.unmount() }
}
