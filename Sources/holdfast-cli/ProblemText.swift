// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI
import MountModel

/// A problem as it is shown on standard error.
enum ProblemText {
    /// What failed, the kernel's messages, what clean-up failed, and the hint, a line each.
    static func render(_ problem: Problem, style: TextStyle) -> String {
        var lines = [style.coloured("holdfast:", .red) + " " + TextStyle.escaped(problem.detail)]
        lines += facts(of: problem).map { "  " + $0 }
        if let hint = problem.hint { lines.append(style.bold("hint:") + " " + TextStyle.escaped(hint)) }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The problem document, on one line.
    static func json(_ problem: Problem) -> String {
        do {
            return String(decoding: try APIJSON.encode(problem), as: UTF8.self) + "\n"
        } catch {
            return render(problem, style: .plain)
        }
    }

    /// The kernel's messages and what clean-up failed.
    static func facts(of problem: Problem) -> [String] {
        (problem.kernelMessages ?? []).map { "kernel: " + TextStyle.escaped($0) }
            + (problem.cleanupFailures ?? []).map { "while cleaning up: " + TextStyle.escaped($0) }
    }
}
