// SPDX-License-Identifier: Apache-2.0

/// One thing that is not as it should be on this host, in words for whoever has to deal with it.
public struct Finding: Hashable, Sendable {
    /// A stable name, for scripts.
    public var code: String
    /// How bad it is.
    public var severity: Severity
    /// What is the case.
    public var what: String
    /// Why it matters.
    public var why: String
    /// What to do.
    public var action: String

    /// Puts the parts together.
    public init(_ code: String, _ severity: Severity, what: String, why: String, action: String) {
        self.code = code
        self.severity = severity
        self.what = what
        self.why = why
        self.action = action
    }

    /// How bad a finding is.
    public enum Severity: String, Hashable, Sendable, CaseIterable, Comparable {
        /// Something does not work now.
        case error
        /// Something is at risk, or not as it was wanted.
        case warning
        /// Worth knowing; all is well.
        case notice

        public static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }

        private var rank: Int { self == .error ? 0 : self == .warning ? 1 : 2 }
    }
}

extension [Finding] {
    /// The worst first; the order of those that are equally bad stays. One of each that is there twice.
    public func sortedBySeverity() -> [Finding] {
        var seen: Set<Finding> = []
        let unique = filter { seen.insert($0).inserted }
        return Finding.Severity.allCases.flatMap { severity in unique.filter { $0.severity == severity } }
    }
}
