// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI

/// The outcome of a detach as text.
enum DetachText {
    /// One line, and the reason beneath it where the mount is still there against expectation.
    ///
    /// - Parameter suggestion: what may have been meant, where nothing is attached.
    static func render(_ answer: DetachResponse, style: TextStyle, suggestion: String? = nil) -> String {
        guard answer.detached else {
            let hint = suggestion.map { "  hint: \(TextStyle.escaped($0))\n" } ?? ""
            return "not attached: nothing was changed\n" + hint
        }
        let state = style.coloured(TextStyle.escaped(answer.mountState), TextStyle.colour(of: answer.mountState))
        var text = "detached; the mount is \(state)"
        switch answer.mountState {
        case "mounted": text += ", others use it"
        case "lingering": text += ", the unmount is tried again"
        default: break
        }
        text += "\n"
        if let problem = answer.problem {
            text += "  \(TextStyle.escaped(problem.detail))\n"
            for fact in ProblemText.facts(of: problem) { text += "  \(fact)\n" }
            if let hint = problem.hint { text += "  hint: \(TextStyle.escaped(hint))\n" }
        }
        return text
    }
}
