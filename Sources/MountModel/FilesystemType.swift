// SPDX-License-Identifier: Apache-2.0

/// The name of a filesystem type, as `/proc/filesystems` and `mount -t` spell it; `bind` is one here too.
public struct FilesystemType: RawRepresentable, Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The name.
    public var rawValue: String { text.string }
    private let text: ExactText

    /// Wraps a name; whether Holdfast knows the type is asked of `Filesystems`.
    public init(rawValue: String) { text = ExactText(rawValue) }

    // Said, not synthesized: `RawRepresentable` would compare the raw values, by meaning.
    public static func == (left: FilesystemType, right: FilesystemType) -> Bool { left.text == right.text }

    public static func < (left: FilesystemType, right: FilesystemType) -> Bool { left.text < right.text }

    public var description: String { rawValue }
}
