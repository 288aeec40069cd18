// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// Tells, without blocking, what has changed in the kernel's mount table since it was last asked.
///
/// A change is there to be drained at the moment the system call that made it has returned. That is why an attach to a
/// mount that exists may be answered without asking the kernel about the mount: no change, nothing to look at.
public protocol MountChangeSource: Sendable {
    /// Takes what has changed; never blocks. Only one caller at a time.
    func drain() -> MountChanges

    /// Calls `notify` whenever there may be something to drain, until the task is cancelled.
    func watch(_ notify: @escaping @Sendable () async -> Void) async

    /// Calls `look` after changes of the table of any kind, those of attributes included, which `drain` does not
    /// report; several may have come together. A `look` that returns true is owed another one after a while, whatever
    /// happens. Until the task is cancelled.
    func watchAttributes(_ look: @escaping @Sendable () async -> Bool) async
}

/// What has changed in the mount table.
public enum MountChanges: Hashable, Sendable {
    /// Nothing.
    case none
    /// These mounts.
    case mounts([MountChange])
    /// Something: everything has to be looked at.
    case everything
}

/// A change that concerns one mount. One that was moved is two: it has left a place, and is at another.
public struct MountChange: Hashable, Sendable {
    /// The mount that was attached, moved or detached.
    public var id: MountID
    /// The mount that it is on; nil where it has left its place, or is gone again.
    public var parent: MountID?
    /// Where it is; nil as above, or where the path is none that could be managed.
    public var mountpoint: Mountpoint?

    /// Puts the parts together.
    public init(id: MountID, parent: MountID? = nil, mountpoint: Mountpoint? = nil) {
        self.id = id
        self.parent = parent
        self.mountpoint = mountpoint
    }
}
