// SPDX-License-Identifier: Apache-2.0

/// The kernel's id of one mount, unique for the life of a boot.
///
/// From `STATX_MNT_ID_UNIQUE` (`man 2 statx`, kernel 6.8), or the recyclable id of mountinfo where that is missing.
public struct MountID: RawRepresentable, Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The number as the kernel gives it.
    public let rawValue: UInt64

    /// Wraps the kernel's number.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static func < (left: MountID, right: MountID) -> Bool { left.rawValue < right.rawValue }

    public var description: String { String(rawValue) }
}
