// SPDX-License-Identifier: Apache-2.0

/// The durable record of one mountpoint, as the ledger keeps it.
///
/// With an id it is *bound*: written before the mount is placed, so that the mount may or may not exist. Without one it
/// is *wanted*: a persistent attachment's mount after a reboot.
public struct MountRecord: Hashable, Sendable {
    /// What is mounted there.
    public var source: MountSource
    /// The boot in which the id was given.
    public var boot: BootID
    /// The kernel's id of the mount; nil while it is only wanted.
    public var mountID: MountID?

    /// Puts the parts together.
    public init(source: MountSource, boot: BootID, mountID: MountID?) {
        self.source = source
        self.boot = boot
        self.mountID = mountID
    }
}
