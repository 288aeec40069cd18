// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// What the ledger holds: for each mountpoint its record and the attachments on it.
public struct LedgerContents: Hashable, Sendable {
    /// The mountpoints that have a record; an attachment without one cannot exist.
    public var mounts: [Mountpoint: Entry]

    /// Starts from entries, by default none.
    public init(mounts: [Mountpoint: Entry] = [:]) { self.mounts = mounts }

    /// One mountpoint's part of the ledger.
    public struct Entry: Hashable, Sendable {
        /// The mountpoint's record.
        public var record: MountRecord
        /// Who uses what there, sorted by the bytes of consumer, then volume; each key once.
        public var attachments: [Attachment]

        /// Puts the parts together.
        public init(record: MountRecord, attachments: [Attachment] = []) {
            self.record = record
            self.attachments = attachments
        }
    }
}
