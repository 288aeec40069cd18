// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// A source by its number, with how it is managed.
public struct ModelSource: ManageableSource {
    let number: UInt8
    /// Whether outsiders mount it.
    public let isExternal: Bool
    /// Whether its mount is made anew without being asked.
    public let isHealed: Bool
}

extension ModelSource: CustomStringConvertible {
    public var description: String { "\(number)\(isExternal ? " (external)" : isHealed ? "" : " (not healed)")" }
}
