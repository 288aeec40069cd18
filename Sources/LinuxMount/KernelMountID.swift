// SPDX-License-Identifier: Apache-2.0

/// The kernel's id of one mount.
///
/// Unique for the life of a boot from kernel 6.8 (`STATX_MNT_ID_UNIQUE`, `man 2 statx`); before that the id of
/// mountinfo, which may be given again after an unmount.
public struct KernelMountID: RawRepresentable, Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The number as the kernel gives it.
    public let rawValue: UInt64

    /// Wraps the kernel's number.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static func < (left: KernelMountID, right: KernelMountID) -> Bool { left.rawValue < right.rawValue }

    public var description: String { String(rawValue) }
}
