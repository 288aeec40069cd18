// SPDX-License-Identifier: Apache-2.0

/// One option of a mount, name and value apart: `ro`, or `size` with `1m`.
public struct MountOption: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The part before the `=`.
    public var name: String { exactName.string }
    /// The part behind the `=`; nil for a flag.
    public var value: String? { exactValue?.string }
    private let exactName: ExactText
    private let exactValue: ExactText?

    /// Joins name and value; the filesystem's grammar decides whether they are allowed.
    public init(_ name: String, _ value: String? = nil) {
        exactName = ExactText(name)
        exactValue = value.map(ExactText.init)
    }

    public static func < (left: MountOption, right: MountOption) -> Bool {
        (left.exactName, left.exactValue ?? ExactText("")) < (right.exactName, right.exactValue ?? ExactText(""))
    }

    public var description: String { value.map { "\(name)=\($0)" } ?? name }
}
