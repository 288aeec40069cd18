// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// A time to wait as a person writes it: `30s`, `500ms`, `2m`, `1h`, or plain seconds.
struct TimeoutArgument: ExpressibleByArgument, Hashable {
    /// The daemon's bounds.
    static let allowed = 0.001...86_400.0

    /// The time in seconds.
    let seconds: Double

    init?(argument: String) {
        let number = argument.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let factor: Double
        switch argument[number.endIndex...] {
        case "ms": factor = 0.001
        case "s", "": factor = 1
        case "m": factor = 60
        case "h": factor = 3600
        default: return nil
        }
        guard number.first != ".", number.last != ".", let value = Double(number) else { return nil }
        // Milliseconds are divided: 0.001 times a whole number is not always the nearest number.
        seconds = factor < 1 ? value / 1000 : value * factor
        guard Self.allowed.contains(seconds) else { return nil }
    }

    var defaultValueDescription: String { "\(seconds)s" }
}
