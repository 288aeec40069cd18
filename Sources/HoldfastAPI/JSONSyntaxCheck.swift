// SPDX-License-Identifier: Apache-2.0

/// Reads a JSON document (RFC 8259) for what `JSONDecoder` does not tell: the place of a mistake, members that are
/// there twice, and the names of the outermost members. Bounded in depth, linear in time.
struct JSONSyntaxCheck {
    /// A request nests two deep; this leaves room.
    static let maximumDepth = 16

    /// What is wrong, and where.
    struct Mistake: Error, CustomStringConvertible {
        var line: Int
        var column: Int
        var text: String
        var description: String { "line \(line), column \(column): \(text)" }
    }

    private let bytes: [UInt8]
    private var index = 0
    private var depth = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Checks the whole document, which must be one object, and returns its members' names.
    mutating func memberNamesOfObject() throws(Mistake) -> [String] {
        skipSpace()
        guard let first = peek() else { throw mistake("it is empty; a JSON object is expected") }
        guard first == UInt8(ascii: "{") else { throw mistake("a JSON object is expected, beginning with '{'") }
        let names = try object()
        skipSpace()
        guard peek() == nil else { throw mistake("nothing may follow the object") }
        return names
    }

    private mutating func value() throws(Mistake) {
        guard let first = peek() else { throw mistake("it ends where a value is expected") }
        switch first {
        case UInt8(ascii: "{"): _ = try object()
        case UInt8(ascii: "["): try array()
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
        default: throw mistake("a value is expected")
        }
    }

    private mutating func object() throws(Mistake) -> [String] {
        try enter()
        var names: [String] = []
        var seen: Set<String> = []
        skipSpace()
        if peek() != UInt8(ascii: "}") {
            repeat {
                skipSpace()
                guard peek() == UInt8(ascii: "\"") else { throw mistake("a member's name in quotes is expected") }
                let start = index
                let name = try string()
                guard seen.insert(name).inserted else {
                    index = start
                    throw mistake("this member is there twice")
                }
                names.append(name)
                skipSpace()
                guard take(UInt8(ascii: ":")) else { throw mistake("':' is expected") }
                skipSpace()
                try value()
                skipSpace()
            } while take(UInt8(ascii: ","))
        }
        guard take(UInt8(ascii: "}")) else { throw mistake("',' or '}' is expected") }
        depth -= 1
        return names
    }

    private mutating func array() throws(Mistake) {
        try enter()
        skipSpace()
        if peek() != UInt8(ascii: "]") {
            repeat {
                skipSpace()
                try value()
                skipSpace()
            } while take(UInt8(ascii: ","))
        }
        guard take(UInt8(ascii: "]")) else { throw mistake("',' or ']' is expected") }
        depth -= 1
    }

    private mutating func enter() throws(Mistake) {
        guard depth < Self.maximumDepth else { throw mistake("it is nested more than \(Self.maximumDepth) deep") }
        depth += 1
        index += 1
    }

    private mutating func string() throws(Mistake) -> String {
        let start = index
        index += 1
        var text: [UInt8] = []
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "\""):
                index += 1
                guard let string = String(validating: text, as: UTF8.self) else {
                    index = start
                    throw mistake("this string is not valid UTF-8")
                }
                return string
            case UInt8(ascii: "\\"):
                text.append(contentsOf: String(Character(try escape())).utf8)
            case 0..<0x20:
                throw mistake("a control character in a string must be escaped")
            default:
                text.append(byte)
                index += 1
            }
        }
        throw mistake("it ends within a string")
    }

    private mutating func escape() throws(Mistake) -> Unicode.Scalar {
        let start = index
        index += 1
        guard let letter = peek() else { throw mistake("it ends within a string") }
        index += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            var code = try hexadecimalUnit()
            if (0xD800..<0xDC00).contains(code), take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) {
                let low = try hexadecimalUnit()
                if (0xDC00..<0xE000).contains(low) { code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00) }
            }
            if let scalar = Unicode.Scalar(code) { return scalar }
            index = start
            throw mistake("half of a surrogate pair")
        default:
            index = start
            throw mistake("an unknown escape")
        }
    }

    private mutating func hexadecimalUnit() throws(Mistake) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw mistake("four hexadecimal digits are expected")
            }
            code = code << 4 | UInt32(digit)
            index += 1
        }
        return code
    }

    private mutating func number() throws(Mistake) {
        let start = index
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        guard let number = Double(String(decoding: bytes[start..<index], as: UTF8.self)), number.isFinite else {
            index = start
            throw mistake("this number is out of range")
        }
    }

    private mutating func digits() throws(Mistake) {
        let start = index
        while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { index += 1 }
        if index == start { throw mistake("a digit is expected") }
    }

    private mutating func word(_ word: StaticString) throws(Mistake) {
        let text = word.description
        guard bytes[index...].starts(with: text.utf8) else { throw mistake("a value is expected") }
        index += text.utf8.count
    }

    private func peek() -> UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        index += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
    }

    /// Columns count bytes, as most editors' go-to-byte does and no text width can dispute.
    private func mistake(_ text: String) -> Mistake {
        let before = bytes[..<index]
        let line = 1 + before.count { $0 == 0x0A }
        let column = index - (before.lastIndex(of: 0x0A) ?? -1)
        return Mistake(line: line, column: column, text: text)
    }
}
