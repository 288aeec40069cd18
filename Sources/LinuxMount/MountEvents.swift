// SPDX-License-Identifier: Apache-2.0

/// A change of one mount's place in the mount table.
public struct MountEvent: Hashable, Sendable {
    /// The mount that came, went or moved.
    public let mount: KernelMountID
    /// It is attached somewhere now that it was not before.
    public let attached: Bool
    /// It is not attached any more where it was. Both together: it has moved.
    public let detached: Bool

    /// Puts the parts together.
    package init(mount: KernelMountID, attached: Bool, detached: Bool) {
        self.mount = mount
        self.attached = attached
        self.detached = detached
    }
}

/// What has happened to the mount table since the last look.
public enum MountEvents: Hashable, Sendable {
    /// Nothing.
    case none
    /// These mounts' places have changed, in this order; never empty.
    case mounts([MountEvent])
    /// Anything may have changed: nothing that was known without asking the kernel holds any more.
    case everything
}
