// SPDX-License-Identifier: Apache-2.0

/// How a text is marked up, and how a foreign text is made safe to show.
struct TextStyle: Hashable, Sendable {
    /// Colours of ECMA-48, which every terminal has.
    enum Colour: Int {
        case red = 31
        case green = 32
        case yellow = 33
    }

    /// For a pipe or a file.
    static let plain = TextStyle(isTerminal: false, isColoured: false)

    /// Whether a person reads it on a terminal.
    let isTerminal: Bool
    /// Whether colour and weight are used.
    let isColoured: Bool

    /// The conventions of NO_COLOR (set and not empty: none) and of terminals that cannot (`TERM=dumb`, or unset).
    static func allowsColour(noColor: String?, term: String?) -> Bool {
        guard noColor == nil, let term else { return false }
        return term != "dumb"
    }

    func coloured(_ text: String, _ colour: Colour?) -> String {
        guard isColoured, let colour else { return text }
        return "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m"
    }

    func bold(_ text: String) -> String { isColoured ? "\u{1B}[1m\(text)\u{1B}[0m" : text }

    /// The colour of a mount's state or of a verification's result; none for one that this version does not know.
    static func colour(of state: String) -> Colour? {
        switch state {
        case "mounted", "ok": .green
        case "mounting", "unmounting", "lingering", "settling", "forgetting", "recovering", "drifted", "unrecorded":
            .yellow
        case "lost", "stuck", "foreign", "moved", "missing", "replaced", "unresponsive": .red
        default: nil
        }
    }

    /// The text with everything escaped that could steer a terminal or break a line: C0 and C1 controls, DEL,
    /// separators of lines, and marks that turn the writing direction or have no width.
    static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
        var shown = ""
        for scalar in text.unicodeScalars {
            if isUnsafe(scalar) {
                shown += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0...0x1F, 0x7F...0x9F, 0x61C, 0x200B, 0x200E, 0x200F, 0x2028...0x202E, 0x2060...0x2069, 0xFEFF: true
        default: false
        }
    }
}
