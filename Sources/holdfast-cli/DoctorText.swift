// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI

/// A diagnosis as text.
enum DoctorText {
    /// A paragraph a finding: how bad and what, why it matters, what to do.
    static func render(_ answer: DoctorResponse, style: TextStyle) -> String {
        if answer.findings.isEmpty { return "all is well\n" }
        return answer.findings.map { finding in
            let severity = style.coloured(TextStyle.escaped(finding.severity), colour(of: finding.severity))
            return """
                \(severity): \(TextStyle.escaped(finding.what)) [\(TextStyle.escaped(finding.code))]
                  why: \(TextStyle.escaped(finding.why))
                  do:  \(TextStyle.escaped(finding.action))

                """
        }.joined(separator: "\n")
    }

    private static func colour(of severity: String) -> TextStyle.Colour? {
        switch severity {
        case "error": .red
        case "warning": .yellow
        default: nil
        }
    }
}
