// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import SystemPackage

/// How placing a mount ended.
public enum PlaceOutcome: Hashable, Sendable {
    /// It is there, directly on the folder.
    case placed
    /// Others mounted there first; ours was taken away again, or, where that was refused, is still on top of theirs
    /// (`observe` tells).
    case foreign(KernelMountID)
    /// It was attached, and then asking where it went, or taking it away from others', was refused: it may be at the
    /// place, on top of another's, or in its slot (`observe` tells).
    case unverified(SystemCallError)
}

extension TargetPath {
    /// Attaches a detached mount at the prepared folder, and makes sure that it went onto the folder and not onto
    /// something that others mounted there at that moment (`man 2 move_mount`): all steps in this process, and its
    /// descriptor is closed at once.
    ///
    /// Does not block, but undoing may wait for the filesystem's end.
    ///
    /// - Throws: ENOENT for a folder that is not there, EXDEV when a folder on the way is covered, else the kernel's
    ///   refusal; the mount is gone then. What is refused after it was attached is no error, but `unverified`.
    public func place(
        _ mount: consuming DetachedMount, parking: ParkingLot
    ) throws(SystemCallError) -> PlaceOutcome {
        let id = try mount.id(in: table)
        if let other = try attach(mount) { return .foreign(other) }
        _ = consume mount
        return try settle(attached: id) { () throws(SystemCallError) in try unmountExactly(id, parking: parking) }
    }

    /// Attaches a detached mount at the prepared folder; whoever holds its descriptor has to close it at once then, for
    /// an open one keeps the mount busy. Does not block.
    ///
    /// - Returns: others' mount that is there already; then, and after an error, ours is attached nowhere.
    /// - Throws: as ``place(_:parking:)``.
    public func attach(_ mount: borrowing DetachedMount) throws(SystemCallError) -> KernelMountID? {
        let parent = try requireParent()
        var refusal = SystemCallError("openat2", .improperLink, on: path.string)
        // A mount of others that is gone at the second look is no reason to fail.
        for _ in 0..<8 {
            let folder: OwnedDescriptor
            do throws(SystemCallError) {
                folder = try OwnedDescriptor.openPlace(name, at: parent.rawValue, .beneathOneMount, on: path)
            } catch {
                guard error.errno == .improperLink else { throw error }
                if case .mount(let top) = try topmost(in: parent) { return top }
                refusal = error
                continue
            }
            try FileFacts(of: folder, on: path).requireFolder("move_mount", on: path)
            try mount.move(onto: folder)
            return nil
        }
        throw refusal
    }

    /// Looks where an attached mount went, whose descriptor is closed; onto others' it is taken away again.
    ///
    /// - Parameter takeAway: unmounts it.
    /// - Throws: ENOENT where others have unmounted it already.
    public func settle<Outcome>(
        attached id: KernelMountID, _ takeAway: () throws(SystemCallError) -> Outcome
    ) throws(SystemCallError) -> PlaceOutcome {
        let found: MountEntry?
        do throws(SystemCallError) { found = try table.entry(id) } catch { return .unverified(error) }
        guard let entry = found else {
            throw SystemCallError("move_mount", .noSuchFileOrDirectory, on: path.string)
        }
        guard entry.parentID != root.id else { return .placed }
        do throws(SystemCallError) { _ = try takeAway() } catch { return .unverified(error) }
        return .foreign(entry.parentID)
    }
}
