// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI

/// A verification's results as text.
enum VerifyText {
    /// One line a mount, and beneath one that is not ok what was expected and what was found; empty for none.
    static func render(_ answer: VerifyResponse, style: TextStyle) -> String {
        let width = answer.mounts.map { TextStyle.escaped($0.result).count }.max() ?? 0
        var text = ""
        for entry in answer.mounts {
            let result = TextStyle.escaped(entry.result)
            text += style.coloured(result, TextStyle.colour(of: entry.result) ?? .red)
            text += String(repeating: " ", count: width - result.count + 2) + TextStyle.escaped(entry.mountpoint) + "\n"
            if entry.result != "ok" {
                let indent = String(repeating: " ", count: width + 2)
                text += "\(indent)expected: \(TextStyle.escaped(entry.expected))\n"
                text += "\(indent)found:    \(TextStyle.escaped(entry.found))\n"
            }
        }
        return text
    }
}
