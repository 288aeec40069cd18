// SPDX-License-Identifier: Apache-2.0

import MountModel
import SystemPackage

extension OptionValue {
    /// The one spelling of a value's meaning.
    ///
    /// Everything here looks at bytes: Swift compares text by meaning, so that the Kelvin sign equals a `K` and a
    /// combining mark hides the `=` before it.
    ///
    /// - Throws: `invalid_argument`, which names the option and says what its value must be.
    func canonical(_ text: String, option: String) throws(MountError) -> String {
        let value: String? =
            switch self {
            case .flag: nil
            case .size(let range, let powerOfTwo, let percentages):
                percentages && text.utf8.last == UInt8(ascii: "%")
                    ? Self.percentage(text.utf8.dropLast()) : Self.size(text, range: range, powerOfTwo: powerOfTwo)
            case .integer(let range): Self.integer(text.utf8, range: range).map { String($0) }
            case .octal(let range): Self.octal(text.utf8, range: range)
            case .identifier: Self.integer(text.utf8, range: Self.identifiers).map { String($0) }
            case .choice(let words, let synonyms): Self.choice(text, words: words, synonyms: synonyms)
            case .word(let maximumLength): Self.isWord(text, maximumLength: maximumLength) ? text : nil
            case .name(let maximumLength): Self.isName(text, maximumLength: maximumLength) ? text : nil
            case .url: try WebAddress(text, as: "value of option '\(option)'").description
            case .path: try Self.layer(text, option: option)
            case .pathList(let maximumCount): try Self.layers(text, maximumCount: maximumCount, option: option)
            case .file: try Self.file(text, option: option)
            case .innerPath: try Self.innerPath(text, option: option)
            }
        if let value { return value }
        throw .invalidArgument(
            "option '\(option)' has the value '\(InputText.quoted(text))'; expected is \(expectation)",
            hint: self == .flag ? "write '\(option)' alone" : nil)
    }

    private static func digits(_ bytes: some Collection<UInt8>) -> UInt64? {
        guard let first = bytes.first, first != UInt8(ascii: "0") || bytes.count == 1 else { return nil }
        var number: UInt64 = 0
        for byte in bytes {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            if overflow || carry { return nil }
            number = sum
        }
        return number
    }

    private static func integer(_ bytes: some Collection<UInt8>, range: ClosedRange<Int64>) -> Int64? {
        let isNegative = bytes.first == UInt8(ascii: "-")
        guard let magnitude = digits(isNegative ? bytes.dropFirst() : bytes.dropFirst(0)),
            let positive = Int64(exactly: magnitude), !(isNegative && positive == 0)
        else { return nil }
        let number = isNegative ? -positive : positive
        return range.contains(number) ? number : nil
    }

    private static func size(_ text: String, range: ClosedRange<UInt64>, powerOfTwo: Bool) -> String? {
        let shift: UInt64? =
            switch text.utf8.last.map({ $0 | 0x20 }) {
            case UInt8(ascii: "k"): 10
            case UInt8(ascii: "m"): 20
            case UInt8(ascii: "g"): 30
            case UInt8(ascii: "t"): 40
            default: nil
            }
        guard let number = digits(shift == nil ? text.utf8[...] : text.utf8.dropLast()) else { return nil }
        let (size, overflow) = number.multipliedReportingOverflow(by: 1 << (shift ?? 0))
        guard !overflow, range.contains(size), !powerOfTwo || size.nonzeroBitCount == 1 else { return nil }
        return String(size)
    }

    private static func percentage(_ bytes: some Collection<UInt8>) -> String? {
        integer(bytes, range: 1...100).map { "\($0)%" }
    }

    private static func octal(_ bytes: some Collection<UInt8>, range: ClosedRange<UInt32>) -> String? {
        guard !bytes.isEmpty, bytes.count <= 5,
            bytes.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) })
        else { return nil }
        if bytes.starts(with: "00".utf8) { return nil }
        let number = bytes.reduce(UInt32(0)) { $0 << 3 | UInt32($1 - UInt8(ascii: "0")) }
        return range.contains(number) ? String(number, radix: 8) : nil
    }

    private static func choice(_ text: String, words: [String], synonyms: [String: String]) -> String? {
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        return words.contains(text) ? text : synonyms[text]
    }

    private static func isWord(_ text: String, maximumLength: Int) -> Bool {
        guard text.utf8.count <= maximumLength, let first = text.utf8.first else { return false }
        let isAlphanumeric = { (byte: UInt8) in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        return isAlphanumeric(first)
            && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == 0x2D || $0 == 0x5F || $0 == 0x2E }
    }

    private static func isName(_ text: String, maximumLength: Int) -> Bool {
        guard text.utf8.count <= maximumLength, let first = text.utf8.first else { return false }
        return (SourceGrammar.isAlphanumeric(first) || first == 0x5F)
            && text.utf8.allSatisfy { SourceGrammar.isAlphanumeric($0) || $0 == 0x2D || $0 == 0x5F || $0 == 0x2E }
    }
}

/// Paths within options.
extension OptionValue {
    /// One layer's path. The kernel's option has no quoting that all versions agree on, hence the three refused
    /// characters.
    private static func layer(_ text: String, option: String) throws(MountError) -> String {
        for (character, byte) in [(":", UInt8(ascii: ":")), ("\\", UInt8(ascii: "\\"))] where text.utf8.contains(byte) {
            throw .invalidArgument(
                "option '\(option)' has the path '\(InputText.quoted(text))' with a '\(character)'",
                hint: "paths with ':', '\\' or ',' cannot be given to this filesystem; bind or rename the folder")
        }
        let path = withoutTrailingSlash(text)
        try InputText.checkAbsolutePath(path, as: "path in option '\(option)'")
        return path
    }

    private static func layers(_ text: String, maximumCount: Int, option: String) throws(MountError) -> String {
        var paths: [String] = []
        for part in text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false) {
            guard !part.isEmpty else {
                throw .invalidArgument("option '\(option)' has an empty path in '\(InputText.quoted(text))'")
            }
            let path = try layer(String(decoding: part, as: UTF8.self), option: option)
            if paths.contains(where: { $0.utf8.elementsEqual(path.utf8) }) {
                throw .invalidArgument("option '\(option)' names '\(InputText.quoted(path))' twice")
            }
            paths.append(path)
        }
        if paths.count > maximumCount {
            throw .invalidArgument("option '\(option)' has \(paths.count) paths; at most \(maximumCount) are allowed")
        }
        return paths.joined(separator: ":")
    }

    private static func file(_ text: String, option: String) throws(MountError) -> String {
        try InputText.checkAbsolutePath(text, as: "path in option '\(option)'")
        return text
    }

    private static func innerPath(_ text: String, option: String) throws(MountError) -> String {
        let path = withoutTrailingSlash(text.utf8.first == UInt8(ascii: "/") ? text : "/" + text)
        try InputText.checkAbsolutePath(path, as: "path in option '\(option)'")
        if path.utf8.count > maximumKernelText {
            throw .invalidArgument(
                "the path in option '\(option)' is \(path.utf8.count) bytes long; at most \(maximumKernelText) are "
                    + "allowed"
            )
        }
        return path
    }

    /// `fsconfig` takes at most this many bytes of text in one value (tried on kernel 6.18: 256 are EINVAL).
    static let maximumKernelText = 255

    /// `/srv/a/` is `/srv/a`: people and their shells write folders so.
    static func withoutTrailingSlash(_ text: String) -> String {
        let shorter = text.utf8.dropLast()
        // Of several slashes none is dropped: the check of the path refuses them.
        guard text.utf8.last == UInt8(ascii: "/"), let end = shorter.last, end != UInt8(ascii: "/") else { return text }
        return String(decoding: shorter, as: UTF8.self)
    }
}
