// SPDX-License-Identifier: Apache-2.0

extension MountState {
    /// What somebody asked for, until it is answered.
    public struct Request: Hashable, Sendable {
        /// Its name, unique among those that are unanswered.
        public let id: RequestID
        /// The attachment it is about.
        public let key: Key
        /// What is asked for.
        public internal(set) var kind: Kind
        /// Whether this attach has made its key durable already and only its answer is owed.
        public internal(set) var isAdded = false

        init(id: RequestID, key: Key, kind: Kind) {
            self.id = id
            self.key = key
            self.kind = kind
        }

        /// A request to attach `key`; a persistent attachment is restored after a reboot.
        public static func attach(_ id: RequestID, key: Key, source: Source, persistent: Bool = false) -> Request {
            Request(id: id, key: key, kind: .attach(source, persistent: persistent))
        }

        /// A request to detach `key`. The end of a lease is one too, with an id of the shell's own.
        public static func detach(_ id: RequestID, key: Key) -> Request {
            Request(id: id, key: key, kind: .detach)
        }

        /// Whether it is an attach that is still wanted.
        public var isAttach: Bool { source != nil }

        /// Whether it takes its key away: a detach, or an attach that failed after its key had become durable.
        public var isRemoval: Bool { source == nil }

        /// What an attach wants mounted; nil for the others.
        public var source: Source? {
            if case .attach(let source, _) = kind { source } else { nil }
        }

        /// What can be asked for.
        public enum Kind: Hashable, Sendable {
            /// The key is to be added to a mount of this source.
            case attach(Source, persistent: Bool)
            /// The key is to be removed.
            case detach
            /// An attach that failed when its key was durable already: the key is removed first, then this is answered.
            case undo(Answer)
        }
    }
}
