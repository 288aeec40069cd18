// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

/// By what means a mount is to be unmounted.
public enum UnmountMeans: UInt8, Hashable, Sendable, CaseIterable {
    /// Only if nobody uses it.
    case exactly
    /// What its users have asked of it fails (`MNT_FORCE`, `man 2 umount2`), and then only if nobody uses it.
    case force
    /// Into its slot, in use or not; it stays there.
    case park
    /// Lazily (`MNT_DETACH`), in its slot; what users it has keep it, unseen.
    case detach
}

extension TargetPath {
    /// Unmounts the mount of that id if it is on top, by these means, and nothing else ever. What others have mounted
    /// within it keeps it from being detached.
    ///
    /// May wait for the filesystem's end, whichever means: what has become of it is then for the mount table to say.
    ///
    /// - Throws: the kernel's refusal.
    public func unmount(
        _ id: KernelMountID, by means: UnmountMeans, parking: ParkingLot
    ) throws(SystemCallError) -> UnmountOutcome {
        if means == .exactly { return try unmountExactly(id, parking: parking) }
        switch try park(id, in: parking) {
        case .parked: break
        case .foreign(let other): return .foreign(other)
        case .absent: return .absent
        case .unparkable: return .busy
        }
        switch means {
        case .exactly, .park: return .parked
        case .force:
            if try parking.finish(id, force: .abortRequests) == .unmounted { return .unmounted }
            return try unmountAbandoned(id, parking)
        case .detach:
            if try table.descendants(of: id).isEmpty, try parking.finish(id, force: .detach) == .unmounted {
                return .unmounted
            }
            return try unmountExactly(id, parking: parking)
        }
    }

    /// Those whose requests have failed need a moment to leave.
    private func unmountAbandoned(
        _ id: KernelMountID, _ parking: ParkingLot
    ) throws(SystemCallError) -> UnmountOutcome {
        for _ in 0..<25 {
            if try parking.finish(id) == .unmounted { return .unmounted }
            usleep(20_000)
        }
        return try unmountExactly(id, parking: parking)
    }

    /// Asks the filesystem of the mount of that id, if it is on top, whether it is there (`man 2 fstatfs`).
    ///
    /// Blocks for as long as its server or device does not answer; meanwhile the mount counts as in use.
    ///
    /// - Returns: false where it is not on top.
    /// - Throws: the filesystem's refusal: ENOTCONN if the process that served it is no more.
    public func askFilesystem(ofMount id: KernelMountID) throws(SystemCallError) -> Bool {
        guard let mount = try openTop(ifMount: id) else { return false }
        try SystemCallError.check(hf_ask_filesystem(mount.rawValue), "fstatfs", on: path.string)
        return true
    }
}
