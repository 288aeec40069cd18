// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// What others have changed about mounts that are still there.
public struct Drift: Hashable, Sendable {
    /// The mounts whose attributes are not those they were given, each with the difference in words.
    public var mounts: [MountID: String] = [:]
    /// Whether the mount root had been made shared, so that mounts beneath it spread; it is private again, unless the
    /// executor repairs nothing.
    public var isRootExposed = false
    /// What could not be looked at.
    public var problems: [MountError] = []

    /// Nothing has changed.
    public init() {}
}
