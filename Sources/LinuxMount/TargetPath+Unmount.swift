// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import SystemPackage

/// How unmounting ended.
public enum UnmountOutcome: Hashable, Sendable {
    /// The mount is gone.
    case unmounted
    /// It is in use and where it was.
    case busy
    /// Something else is on top; nothing of it was unmounted.
    case foreign(KernelMountID)
    /// Nothing is mounted there.
    case absent
    /// It is in its parking slot, in use: by the caller's wish, or because the place was taken meanwhile.
    case parked
}

/// What to do with a mount that turns out to be in use only in its slot.
public enum BusyInSlot: Hashable, Sendable {
    /// Put it back, if the place is still free.
    case moveBack
    /// Leave it in the slot; the place is free for another mount.
    case leaveParked
}

/// How parking ended.
public enum ParkOutcome: Hashable, Sendable {
    /// It is in its slot, and its users are still with it.
    case parked
    /// Something else is on top, or came over it while it was moved and was put back.
    case foreign(KernelMountID)
    /// Nothing is mounted there.
    case absent
    /// It cannot be moved: what it is attached to is shared, or the folder that it shows has been removed.
    case unparkable
}

extension TargetPath {
    /// Unmounts the mount of that id if it is on top and nobody uses it, and nothing else ever.
    ///
    /// The kernel has no unmount by id: asking what is on top and then unmounting by path hits what others mount over
    /// it in between. So the mount is moved into a slot where nobody else can mount, and unmounted there. Between any
    /// two steps a killed process leaves the mount at the place or in the slot that bears its id, where `observe` finds
    /// it. An id that is in its slot already is finished there. May wait for the filesystem's end (a server, a device).
    ///
    /// - Throws: the kernel's refusal.
    public func unmountExactly(
        _ id: KernelMountID, parking: ParkingLot, whenBusyInSlot: BusyInSlot = .moveBack
    ) throws(SystemCallError) -> UnmountOutcome {
        if try parking.holds(id) { return try finishParked(id, parking, whenBusyInSlot) }
        guard case .found(let parent) = try openParent() else { return try outcome(ofFinding: topmost()) }
        // 1. It must be on top. (The look-up also clears a mark that others' MNT_EXPIRE may have left.)
        let top = try topmost(in: parent)
        guard top == .mount(id) else { return outcome(ofFinding: top) }
        // 2. MNT_EXPIRE never takes anything at the first call: it only says whether somebody uses it.
        let probe = parent.unmount(name, HF_MNT_EXPIRE, as: .probe)
        switch Errno(rawValue: -probe) {
        case .resourceTemporarilyUnavailable: break
        case _ where probe >= 0, .resourceBusy, .invalidArgument:
            let now = try topmost(in: parent)
            return now == .mount(id) ? .busy : outcome(ofFinding: now)
        case let errno: throw SystemCallError("umount2", errno, on: path.string)
        }
        // 3. and 4.
        switch try park(id, from: parent, in: parking) {
        case .parked: return try finishParked(id, parking, whenBusyInSlot)
        case .absent: return .absent
        case .unparkable: return try expireInPlace(id, in: parent)
        case .foreign(let other):
            // If it was carried along with ours, theirs is back in its place and ours can end in the slot.
            if try parking.contains(id) { _ = try parking.finish(id) }
            return .foreign(other)
        }
    }

    /// Moves the mount of that id into its slot, whether or not it is in use: the place is free at once, its users
    /// stay. Others' mounts that came over it meanwhile go back to the place.
    ///
    /// Does not block. `ParkingLot.finish` ends it there once they have left.
    ///
    /// - Throws: the kernel's refusal.
    public func park(_ id: KernelMountID, in parking: ParkingLot) throws(SystemCallError) -> ParkOutcome {
        if try parking.holds(id) {
            return try parking.putBackCarried(over: id, onto: self).map(ParkOutcome.foreign) ?? .parked
        }
        switch try openParent() {
        case .missing: return .absent
        case .obstructed(let other): return .foreign(other)
        case .found(let parent):
            switch try topmost(in: parent) {
            case .mount(id): return try park(id, from: parent, in: parking)
            case .mount(let other): return .foreign(other)
            case .missing, .folder: return .absent
            }
        }
    }

    /// Steps 3 and 4: into the slot, and what was carried along back again.
    private func park(
        _ id: KernelMountID, from parent: borrowing OwnedDescriptor, in parking: ParkingLot
    ) throws(SystemCallError) -> ParkOutcome {
        switch try moveToSlot(id, from: parent, parking) {
        case .parked: break
        case let outcome: return outcome
        }
        // Others mounted over it between the look and the move: what is theirs goes back to where they put it.
        return try parking.putBackCarried(over: id, onto: self).map(ParkOutcome.foreign) ?? .parked
    }

    private func moveToSlot(
        _ id: KernelMountID, from parent: borrowing OwnedDescriptor, _ parking: ParkingLot
    ) throws(SystemCallError) -> ParkOutcome {
        let mount: OwnedDescriptor
        do throws(SystemCallError) {
            mount = try OwnedDescriptor.openPlace(name, at: parent.rawValue, .beneath, on: path)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return .absent }
            throw error
        }
        let found = try table.mountID(of: mount)
        guard found == id else { return found == root.id ? .absent : .foreign(found) }
        return try parking.take(mount, id) ? .parked : .unparkable
    }

    /// Step 5.
    private func finishParked(
        _ id: KernelMountID, _ parking: ParkingLot, _ whenBusy: BusyInSlot
    ) throws(SystemCallError) -> UnmountOutcome {
        // The process was killed, or refused, before it was put back.
        if let carried = try parking.putBackCarried(over: id, onto: self) {
            if try parking.contains(id) { _ = try parking.finish(id) }
            return .foreign(carried)
        }
        switch try parking.finish(id) {
        case .unmounted: return .unmounted
        case .absent: return .absent
        case .covered(let other): return .foreign(other)
        case .busy:
            guard whenBusy == .moveBack else { return .parked }
            switch try parking.moveBack(id, to: self) {
            case .movedBack: return .busy
            case .absent: return .absent
            case .occupied: return .parked
            }
        }
    }

    /// For what cannot be moved. MNT_EXPIRE takes a mount only if it was marked by the call before
    /// and not used since, and what others mount over it in between is not marked.
    private func expireInPlace(
        _ id: KernelMountID, in parent: borrowing OwnedDescriptor
    ) throws(SystemCallError) -> UnmountOutcome {
        for _ in 0..<8 {
            let top = try topmost(in: parent)
            guard top == .mount(id) else { return outcome(ofFinding: top) }
            let first = parent.unmount(name, HF_MNT_EXPIRE, as: .probe)
            guard first == -Errno.resourceTemporarilyUnavailable.rawValue else { break }
            guard try table.descendants(of: id).isEmpty else { continue }
            let second = parent.unmount(name, HF_MNT_EXPIRE, as: .expire)
            if second >= 0 { return .unmounted }
        }
        let top = try topmost(in: parent)
        return top == .mount(id) ? .busy : outcome(ofFinding: top)
    }

    private func outcome(ofFinding top: Topmost) -> UnmountOutcome {
        if case .mount(let other) = top { return .foreign(other) }
        return .absent
    }
}
