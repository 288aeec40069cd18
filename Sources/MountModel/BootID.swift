// SPDX-License-Identifier: Apache-2.0

/// Names one boot of the machine: the content of `/proc/sys/kernel/random/boot_id` (`man 4 random`).
///
/// Mount ids mean something only together with the boot they were given in.
public struct BootID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The UUID as the kernel prints it, without the newline.
    public let rawValue: String

    /// Wraps the kernel's text.
    public init(rawValue: String) { self.rawValue = rawValue }

    public var description: String { rawValue }
}
