// SPDX-License-Identifier: Apache-2.0

public import LinuxMount
public import MountModel
internal import SystemPackage

/// What the host may run out of, and what a crash may leave.
extension SimulatedKernel {
    /// How many more mounts the namespace takes; nil for enough. Filling and emptying a namespace floods the event
    /// queue.
    public func setMountsLeft(_ count: Int?) {
        withTable { table in
            table.mountsLeft = count
            table.events.overflow()
        }
    }

    /// How many more files and folders the host's filesystem takes; nil for enough.
    public func setRoomOnHost(_ count: Int?) {
        withTable { table in
            guard let host = table.mounts[table.host] else { return }
            table.filesystems[host.filesystem]?.room = count
        }
    }

    /// How many loop devices there are; nil for enough.
    ///
    /// Linux makes new ones as they are asked for, up to its minor numbers (a million), which no test can use up: that
    /// `LOOP_CTL_GET_FREE` answers ENOSPC then is read from the driver's source, not tried.
    public func setLoopDeviceLimit(_ count: Int?) { withTable { $0.loopDeviceLimit = count } }

    /// A process was killed between parking a mount and unmounting it.
    ///
    /// - Returns: whether it is in its slot now.
    /// - Throws: EINVAL where it is there already and what lies on it cannot be taken off.
    public func park(_ id: MountID, from mountpoint: Mountpoint) throws(SystemCallError) -> Bool {
        try withTable { table throws(SystemCallError) in
            guard let target = try? table.target(mountpoint) else { return false }
            if table.slot(of: id) != nil {
                try table.requireLiftable(overSlotOf: id)
                return true
            }
            guard case .found? = try? table.parent(of: target), (try? table.topmost(at: target)) == .mount(id) else {
                return false
            }
            return table.park(id)
        }
    }
}
