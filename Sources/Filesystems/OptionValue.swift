// SPDX-License-Identifier: Apache-2.0

/// The kinds of value an option may have.
public enum OptionValue: Hashable, Sendable {
    /// No value at all.
    case flag
    /// Bytes, or another count, with an optional binary suffix: `64m`; with `percentages` also `50%`.
    case size(ClosedRange<UInt64>, powerOfTwo: Bool = false, percentages: Bool = false)
    /// A decimal number.
    case integer(ClosedRange<Int64>)
    /// Octal digits, as modes are written; one leading zero is forgiven.
    case octal(ClosedRange<UInt32>)
    /// A user's or group's number.
    case identifier
    /// One of these words, or one of the `synonyms`, which map to them.
    case choice([String], synonyms: [String: String] = [:])
    /// Lower-case letters, digits, `-`, `_` and `.`, beginning with a letter or digit.
    case word(maximumLength: Int)
    /// Letters, digits, `-`, `_` and `.`, beginning with a letter, a digit or `_`.
    case name(maximumLength: Int)
    /// The address of a web server: `https://host:port`.
    case url
    /// An absolute path on the host.
    case path
    /// Absolute paths on the host, `:` between them, each named once.
    case pathList(maximumCount: Int)
    /// The absolute path of a file that a helper program is given a copy of. A secret one belongs to root and is
    /// readable by nobody else; its path is no secret.
    case file(isSecret: Bool)
    /// A path on the filesystem that is mounted; the canonical form begins with `/`.
    case innerPath

    /// What the value must be, to end a sentence with.
    public var expectation: String {
        switch self {
        case .flag: "no value"
        case .size(let range, let powerOfTwo, let percentages):
            "a number from \(range.lowerBound) to \(range.upperBound)"
                + (powerOfTwo ? " that is a power of two" : "")
                + ", with or without one of the suffixes k, m, g, t"
                + (percentages ? ", or a percentage from 1% to 100%" : "")
        case .integer(let range): "a decimal number from \(range.lowerBound) to \(range.upperBound)"
        case .octal(let range):
            "octal digits from \(String(range.lowerBound, radix: 8)) to \(String(range.upperBound, radix: 8))"
        case .identifier: "a decimal number from 0 to \(Self.identifiers.upperBound)"
        case .choice(let words, _): words.count == 1 ? "'\(words[0])'" : "one of \(words.joined(separator: ", "))"
        case .word(let maximumLength):
            "at most \(maximumLength) lower-case letters, digits, '-', '_' or '.', beginning with a letter or digit"
        case .name(let maximumLength):
            "at most \(maximumLength) letters, digits, '-', '_' or '.', beginning with a letter, a digit or '_'"
        case .url: "the address of a web server, https://host:port"
        case .path: "an absolute path"
        case .pathList(let maximumCount): "at most \(maximumCount) absolute paths with ':' between them"
        case .file(let isSecret):
            "the absolute path of a file" + (isSecret ? " that is root's and that nobody else can read" : "")
        case .innerPath: "a path on the filesystem"
        }
    }

    /// All ids but -1, which system calls take for "none" (`man 2 chown`).
    static let identifiers: ClosedRange<Int64> = 0...4_294_967_294
}
