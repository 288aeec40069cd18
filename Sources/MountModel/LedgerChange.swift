// SPDX-License-Identifier: Apache-2.0

/// One atomic change to the ledger, all for one mountpoint: it becomes durable whole or not at all.
public struct LedgerChange: Hashable, Sendable {
    /// The mountpoint it is about.
    public var mountpoint: Mountpoint
    /// What happens to the mountpoint's record.
    public var record: RecordChange
    /// Attachments that come, after the record's change.
    public var add: [Attachment]
    /// Attachments that go.
    public var remove: [AttachmentKey]
    /// Whether the change must survive a power cut before it is acknowledged (`man 2 fdatasync`).
    public var fullSync: Bool

    /// Puts the parts together.
    public init(
        mountpoint: Mountpoint, record: RecordChange = .keep, add: [Attachment] = [], remove: [AttachmentKey] = [],
        fullSync: Bool = false
    ) {
        self.mountpoint = mountpoint
        self.record = record
        self.add = add
        self.remove = remove
        self.fullSync = fullSync
    }

    /// What happens to a mountpoint's record.
    public enum RecordChange: Hashable, Sendable {
        /// It stays as it is.
        case keep
        /// It is written, over an old one if there is one.
        case set(MountRecord)
        /// It is deleted; a mountpoint's attachments must be gone before it or with it.
        case delete
    }
}
