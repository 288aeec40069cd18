// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// What others have changed about mounts that are still there.
public struct Drift: Hashable, Sendable {
    /// The mounts that are not as they were made, each with the difference.
    public var mounts: [MountID: MountDrift] = [:]
    /// Those that could not be looked at: what was known of them holds.
    public var unseen: Set<MountID> = []
    /// Whether the mount root had been made shared, so that mounts beneath it spread; it is private again, unless the
    /// executor repairs nothing.
    public var isRootExposed = false
    /// Whether the parking lot had been unmounted; it is made anew.
    public var isParkingRenewed = false
    /// What could not be looked at.
    public var problems: [MountError] = []

    /// Nothing has changed.
    public init() {}
}
