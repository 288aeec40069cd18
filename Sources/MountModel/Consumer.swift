// SPDX-License-Identifier: Apache-2.0

/// Who uses a mount: an opaque name given by the caller, such as a VM's UUID or a container's id.
public struct Consumer: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// At most this many UTF-8 bytes.
    public static let maximumLength = 255

    /// The name as it was given.
    public var name: String { text.string }
    private let text: ExactText

    /// Checks the name: 1 to 255 UTF-8 bytes, no control characters.
    ///
    /// - Throws: `invalid_argument`, which says what is wrong.
    public init(_ name: String) throws(MountError) {
        try InputText.check(name, as: "consumer", maximumLength: Self.maximumLength)
        text = ExactText(name)
    }

    public static func < (left: Consumer, right: Consumer) -> Bool { left.text < right.text }

    public var description: String { name }
}
