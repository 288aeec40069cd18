// SPDX-License-Identifier: Apache-2.0

extension MountState {
    /// One atomic change to the ledger.
    public struct Batch: Hashable, Sendable {
        /// What happens to the row.
        public var row: RowChange = .keep
        /// Keys that come, after the row's change; one that is there already becomes persistent.
        public var add: Set<Key> = []
        /// Those of `add` that are persistent.
        public var persistent: Set<Key> = []
        /// Keys that go, before the row's change.
        public var remove: Set<Key> = []
        /// The requests that its end answers.
        public var requests: [Request] = []
        /// Whether it must survive a power cut before it is reported as committed.
        public var fullSync = false

        /// A change of nothing; fill in what is to change.
        public init() {}

        var isEmpty: Bool { row == .keep && add.isEmpty && remove.isEmpty }

        func concerns(_ key: Key) -> Bool { add.contains(key) || remove.contains(key) }
    }

    /// What happens to a mountpoint's row.
    public enum RowChange: Hashable, Sendable {
        /// It stays as it is.
        case keep
        /// It is written, with the boot id of now, over an old one if there is one.
        case set(Row)
        /// It is deleted.
        case delete
        /// After a reboot: `remove` has the attachments that do not outlive one, each worth an audit entry; the row is
        /// written without an id and with the boot id of now, or deleted where nothing persistent is left (nil).
        case purge(Row?)
    }
}
