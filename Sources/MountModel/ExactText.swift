// SPDX-License-Identifier: Apache-2.0

/// A text that is equal to another only if their bytes are.
///
/// Swift compares strings by meaning (Unicode's canonical equivalence): `é` in one code point equals `é` in two. To the
/// kernel, which names files in bytes, and to the ledger these are two.
public struct ExactText: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The text.
    public let string: String

    /// Wraps a text.
    public init(_ string: String) { self.string = string }

    public static func == (left: ExactText, right: ExactText) -> Bool {
        left.string.utf8.elementsEqual(right.string.utf8)
    }

    public static func < (left: ExactText, right: ExactText) -> Bool {
        left.string.utf8.lexicographicallyPrecedes(right.string.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(string.utf8.count)
        for byte in string.utf8 { hasher.combine(byte) }
    }

    public var description: String { string }
}
