// SPDX-License-Identifier: Apache-2.0

/// What a consumer uses on a mount: the name of a file or folder at its top, or `.` for the whole filesystem.
///
/// The name is a key, not a path that Holdfast opens: whether it exists on the filesystem is the consumer's affair.
public struct Volume: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// At most this many UTF-8 bytes (`NAME_MAX`, `man 3 limits.h`).
    public static let maximumLength = 255

    /// The whole filesystem.
    public static let whole = Volume(checked: ".")

    /// The name as it was given.
    public var name: String { text.string }
    private let text: ExactText

    /// Checks the name: one path component of 1 to 255 UTF-8 bytes, no control characters, not `..`.
    ///
    /// - Throws: `invalid_argument`, which says what is wrong.
    public init(_ name: String) throws(MountError) {
        try InputText.check(name, as: "volume", maximumLength: Self.maximumLength)
        if name == ".." {
            throw .invalidArgument(
                "volume '..' would leave the mount", hint: "name a file or folder on the mount, or '.'")
        }
        if name.utf8.contains(UInt8(ascii: "/")) {
            throw .invalidArgument(
                "volume '\(InputText.quoted(name))' has a '/'",
                hint: "name one file or folder at the top of the mount, or '.'")
        }
        text = ExactText(name)
    }

    private init(checked name: String) { text = ExactText(name) }

    public static func < (left: Volume, right: Volume) -> Bool { left.text < right.text }

    public var description: String { name }
}
