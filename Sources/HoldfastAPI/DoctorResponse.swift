// SPDX-License-Identifier: Apache-2.0

/// `GET /v1/doctor`, and what `holdfast doctor --json` prints: what is wrong on this host and what to do about it.
public struct DoctorResponse: Codable, Hashable, Sendable {
    /// Whether there is nothing but notices.
    public var ok: Bool
    /// The findings, the worst first.
    public var findings: [Entry]

    /// Wraps the list.
    public init(findings: [Entry]) {
        self.findings = findings
        ok = findings.allSatisfy { $0.severity == "notice" }
    }

    /// One thing that is not as it should be.
    public struct Entry: Codable, Hashable, Sendable {
        /// A stable name; more may come.
        public var code: String
        /// `error`, `warning` or `notice`.
        public var severity: String
        /// What is the case, for a person.
        public var what: String
        /// Why it matters.
        public var why: String
        /// What to do.
        public var action: String

        /// Puts the parts together.
        public init(code: String, severity: String, what: String, why: String, action: String) {
            self.code = code
            self.severity = severity
            self.what = what
            self.why = why
            self.action = action
        }
    }
}
