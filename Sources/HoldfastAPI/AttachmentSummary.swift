// SPDX-License-Identifier: Apache-2.0

/// One attachment as the API shows it.
public struct AttachmentSummary: Codable, Hashable, Sendable {
    /// Names the attachment in the API: the same (mount, volume, consumer) has the same id.
    public var id: String
    /// The mount it is on.
    public var mountID: String
    /// Who uses it.
    public var consumer: String
    /// What it uses on the mount.
    public var volume: String
    /// The uid that made it, in the kernel's word.
    public var ownerUID: UInt32
    /// What ends it: `explicit`, its detach or a reboot; `persistent`, its detach only.
    public var lease: String
    /// The path for the consumer to use: the mountpoint, or the volume beneath it.
    public var path: String

    /// Puts the parts together.
    public init(
        id: String, mountID: String, consumer: String, volume: String, ownerUID: UInt32, lease: String, path: String
    ) {
        self.id = id
        self.mountID = mountID
        self.consumer = consumer
        self.volume = volume
        self.ownerUID = ownerUID
        self.lease = lease
        self.path = path
    }

    /// The names on the wire.
    public enum CodingKeys: String, CodingKey {
        case id
        case mountID = "mount_id"
        case consumer, volume
        case ownerUID = "owner_uid"
        case lease, path
    }
}
