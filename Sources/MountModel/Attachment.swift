// SPDX-License-Identifier: Apache-2.0

/// One consumer's use of one volume on one mountpoint, as the ledger keeps it.
public struct Attachment: Hashable, Sendable {
    /// Who uses what.
    public let key: AttachmentKey
    /// The uid that made it, from the kernel's word about the caller (`man 7 unix`, SO_PEERCRED).
    public let owner: UInt32
    /// Whether it is restored after a reboot.
    public let persistent: Bool
    /// What ends it.
    public var lease: Lease { persistent ? .persistent : .explicit }

    /// Puts the parts together.
    public init(key: AttachmentKey, owner: UInt32, persistent: Bool = false) {
        self.key = key
        self.owner = owner
        self.persistent = persistent
    }
}
