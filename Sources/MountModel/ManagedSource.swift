// SPDX-License-Identifier: Apache-2.0

/// A source, and how its mount is managed, which catalog and configuration say.
public struct ManagedSource: ManageableSource {
    /// What is mounted.
    public let source: MountSource
    /// Whether somebody else mounts it.
    public let isExternal: Bool
    /// Whether its mount is made anew without being asked, where others took it away.
    public let isHealed: Bool

    /// Puts the parts together.
    public init(_ source: MountSource, isExternal: Bool = false, isHealed: Bool = true) {
        self.source = source
        self.isExternal = isExternal
        self.isHealed = isHealed
    }
}
