// SPDX-License-Identifier: Apache-2.0

/// What a mountpoint's state machine has to know of a source, besides whether two are the same.
///
/// Equal sources have equal properties for as long as a state machine lives.
public protocol ManageableSource: Hashable, Sendable {
    /// Whether somebody else mounts it: it is verified and counted, and never mounted or unmounted.
    var isExternal: Bool { get }
    /// Whether its mount is made anew without being asked, where others took it away from those who use it.
    var isHealed: Bool { get }
}

extension ManageableSource {
    /// It is mounted here.
    public var isExternal: Bool { false }
    /// It is healed.
    public var isHealed: Bool { true }
}
