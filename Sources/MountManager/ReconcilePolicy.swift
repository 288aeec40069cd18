// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// What is done about a mount that others have changed or taken away: the first rule that matches its source decides.
public struct ReconcilePolicy: Hashable, Sendable {
    /// What is done.
    public enum Action: String, Hashable, Sendable, CaseIterable {
        /// It is mounted again, or given its attributes back.
        case heal
        /// It is left as it is and reported; a lost one is mounted again when somebody attaches to it.
        case report
    }

    /// An exception for some sources.
    public struct Rule: Hashable, Sendable {
        /// The type it is for; nil for all.
        public var type: FilesystemType?
        /// The source it is for, byte by byte; a `*` at the end stands for any ending; nil for all.
        public var source: String?
        /// What is done.
        public var action: Action

        /// Puts the parts together.
        public init(type: FilesystemType? = nil, source: String? = nil, action: Action) {
            self.type = type
            self.source = source
            self.action = action
        }

        func matches(_ candidate: MountSource) -> Bool {
            if let type, type != candidate.type { return false }
            guard let pattern = source?.utf8 else { return true }
            let text = candidate.source.utf8
            if pattern.last == UInt8(ascii: "*") { return text.starts(with: pattern.dropLast()) }
            return text.elementsEqual(pattern)
        }
    }

    /// The exceptions, in order.
    public var rules: [Rule]
    /// What is done where no rule matches.
    public var otherwise: Action

    /// Puts the parts together; without any, everything is healed.
    public init(rules: [Rule] = [], otherwise: Action = .heal) {
        self.rules = rules
        self.otherwise = otherwise
    }

    /// What is done about a mount of this source.
    public func action(for source: MountSource) -> Action {
        rules.first { $0.matches(source) }?.action ?? otherwise
    }
}
