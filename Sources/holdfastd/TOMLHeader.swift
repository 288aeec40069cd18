// SPDX-License-Identifier: Apache-2.0

internal import MountModel

/// The heads of a TOML text's tables, `[name]`.
///
/// The parser ends the process, by an assertion, where a name begins with what no name can begin with. So this is
/// looked at before.
enum TOMLHeader {
    /// - Throws: `invalid_argument` with line and column.
    static func check(_ text: String, of path: String) throws(MountError) {
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() {
            let line = number == 0 && line.starts(with: Self.byteOrderMark) ? line.dropFirst(3) : line
            let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
            var rest = line.drop(while: isBlank)
            guard rest.first == UInt8(ascii: "[") else { continue }
            rest = rest.dropFirst().drop(while: isBlank)
            if rest.first == UInt8(ascii: "[") { rest = rest.dropFirst().drop(while: isBlank) }
            if let first = rest.first, canBegin(first) { continue }
            let column = line.distance(from: line.startIndex, to: rest.startIndex) + 1
            throw .invalidArgument(
                "\(path), line \(number + 1), column \(column): a table's name cannot begin so",
                hint: "other characters than A-Z a-z 0-9 _ - stand in quotes: [types.\"a.b\"]")
        }
    }

    /// The parser passes over it.
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// What may follow the bracket: a name, or what the parser refuses by itself.
    private static func canBegin(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "]"): true
        default: false
        }
    }
}
