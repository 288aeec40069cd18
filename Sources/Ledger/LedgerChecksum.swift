// SPDX-License-Identifier: Apache-2.0

import MountModel

/// A row's checksum, by which a flipped bit inside a text or a number is noticed: FNV-1a with 64 bits over the stored
/// values, each with its kind and length.
///
/// Every step is a bijection of what came before it, so that no change within one byte can go unnoticed. It is no
/// protection against people: who can write the file can compute it.
struct LedgerChecksum {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    /// The checksum of a mountpoint's record, with its options as they are stored.
    static func of(_ record: MountRecord, at mountpoint: String, options: String) -> Int64 {
        var sum = LedgerChecksum()
        sum.add("mounts")
        sum.add(mountpoint)
        sum.add(record.source.type.rawValue)
        sum.add(record.source.source)
        sum.add(options)
        sum.add(record.source.credentialsDigest)
        sum.add(record.boot.rawValue)
        sum.add(record.mountID?.rawValue)
        return sum.value
    }

    /// The checksum of an attachment.
    static func of(_ attachment: Attachment, at mountpoint: String) -> Int64 {
        var sum = LedgerChecksum()
        sum.add("attachments")
        sum.add(mountpoint)
        sum.add(attachment.key.consumer.name)
        sum.add(attachment.key.volume.name)
        sum.add(UInt64(attachment.owner))
        sum.add(attachment.persistent ? 1 : 0)
        return sum.value
    }

    private var value: Int64 { Int64(bitPattern: state) }

    private mutating func add(_ text: String?) {
        guard let text else { return add(byte: 0) }
        add(byte: 1)
        add(digits: UInt64(text.utf8.count))
        for byte in text.utf8 { add(byte: byte) }
    }

    private mutating func add(_ number: UInt64?) {
        guard let number else { return add(byte: 0) }
        add(byte: 2)
        add(digits: number)
    }

    private mutating func add(digits number: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) { add(byte: UInt8(truncatingIfNeeded: number >> shift)) }
    }

    private mutating func add(byte: UInt8) { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
}
