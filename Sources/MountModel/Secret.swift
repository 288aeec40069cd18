// SPDX-License-Identifier: Apache-2.0

/// A credential that comes with a request: what would be in a file, and is in memory only.
///
/// Nothing that prints a value shows it. Two are equal if their bytes are.
public struct Secret: Hashable, Sendable, Codable {
    /// At most this many bytes, with the newline at the end: a request has room for it however it is escaped, and keys
    /// and passwords are shorter.
    public static let maximumLength = 1 << 13

    /// As a file has it: with a newline at its end, without which programs do not read a key.
    public let content: [UInt8]

    /// Wraps a text.
    public init(_ text: String) {
        let bytes = Array(text.utf8)
        content = bytes.isEmpty || bytes.last == UInt8(ascii: "\n") ? bytes : bytes + [UInt8(ascii: "\n")]
    }

    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(String(decoding: content, as: UTF8.self))
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "<secret>" }
    public var debugDescription: String { description }
    /// Empty, for what looks into values.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
