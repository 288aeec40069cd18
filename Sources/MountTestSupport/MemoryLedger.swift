// SPDX-License-Identifier: Apache-2.0

public import Ledger
public import MountModel

/// A ledger in memory that holds to the real one's rules, and fails when it is told to.
public actor MemoryLedger: MountLedger {
    /// What is recorded.
    public private(set) var contents: LedgerContents
    private var faults: [MountError] = []
    /// How many changes were committed.
    public private(set) var commits = 0

    /// Starts with what an earlier daemon left.
    public init(_ contents: LedgerContents = LedgerContents()) { self.contents = contents }

    /// The next changes fail, one error each.
    public func fail(with errors: [MountError]) { faults += errors }

    public func load() async throws(MountError) -> LedgerContents { contents }

    public func commit(_ change: LedgerChange) async throws(MountError) {
        if !faults.isEmpty { throw faults.removeFirst() }
        var entry = contents.mounts[change.mountpoint]
        entry?.attachments.removeAll { change.remove.contains($0.key) }
        switch change.record {
        case .keep: break
        case .set(let record): entry = LedgerContents.Entry(record: record, attachments: entry?.attachments ?? [])
        case .delete:
            if entry?.attachments.isEmpty == false {
                throw MountError(.internal, "the record of \(change.mountpoint) still has attachments")
            }
            entry = nil
        }
        if !change.add.isEmpty, entry == nil {
            throw MountError(.internal, "\(change.mountpoint) has no record to attach to")
        }
        for attachment in change.add {
            entry?.attachments.removeAll { $0.key == attachment.key }
            entry?.attachments.append(attachment)
        }
        contents.mounts[change.mountpoint] = entry
        commits += 1
    }
}
