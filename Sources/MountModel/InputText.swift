// SPDX-License-Identifier: Apache-2.0

/// The checks that every text from outside passes, and the way such a text is shown in a message.
public enum InputText {
    /// `PATH_MAX` less the NUL (`man 3 limits.h`).
    public static let maximumPathLength = 4095
    /// `NAME_MAX` (`man 3 limits.h`).
    public static let maximumComponentLength = 255

    /// Checks a text: not empty, not over-long, no control characters.
    ///
    /// - Throws: `invalid_argument`, which names `what` and says what is wrong with it.
    public static func check(_ text: String, as what: String, maximumLength: Int) throws(MountError) {
        if text.isEmpty { throw .invalidArgument("the \(what) is empty") }
        let length = text.utf8.count
        if length > maximumLength {
            throw .invalidArgument("the \(what) is \(length) bytes long; at most \(maximumLength) are allowed")
        }
        if let character = text.unicodeScalars.first(where: { isControl($0) }) {
            throw .invalidArgument(
                "the \(what) '\(quoted(text))' has the control character U+\(hexadecimal(character.value))")
        }
    }

    /// Checks an absolute path as it was written: no `.`, `..`, empty component or trailing slash; `/` itself passes.
    ///
    /// - Throws: `invalid_argument`, which names `what` and says what is wrong with it.
    public static func checkAbsolutePath(_ text: String, as what: String) throws(MountError) {
        try check(text, as: what, maximumLength: maximumPathLength)
        guard text.utf8.first == UInt8(ascii: "/") else {
            throw .invalidArgument("the \(what) '\(quoted(text))' is not an absolute path", hint: "begin it with '/'")
        }
        if text == "/" { return }
        for component in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            switch component {
            case "":
                throw .invalidArgument(
                    "the \(what) '\(quoted(text))' has an empty component", hint: "write each '/' once")
            case ".", "..":
                throw .invalidArgument("the \(what) '\(quoted(text))' has the component '\(component)'")
            default:
                if component.utf8.count > maximumComponentLength {
                    throw .invalidArgument(
                        "the \(what) has a component of \(component.utf8.count) bytes; at most "
                            + "\(maximumComponentLength) are allowed"
                    )
                }
            }
        }
    }

    /// The text as a message shows it: control characters and quotes escaped, cut after 80 characters.
    public static func quoted(_ text: String) -> String {
        var shown = ""
        for scalar in text.unicodeScalars.prefix(80) {
            if isControl(scalar) || scalar == "'" || scalar == "\\" {
                shown += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return text.unicodeScalars.count > 80 ? shown + "…" : shown
    }

    /// C0, DEL and C1 controls, the line and paragraph separators, and the marks that turn the writing direction.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0...0x1F, 0x7F...0x9F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    private static func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
