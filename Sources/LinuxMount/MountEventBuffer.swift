// SPDX-License-Identifier: Apache-2.0

/// The kernel's format of mount events (`man 7 fanotify`, `struct fanotify_event_metadata` and
/// `struct fanotify_event_info_mnt` of kernel 6.15).
///
/// A pure function: bytes in, events out, every length checked against what is there.
package enum MountEventBuffer {
    /// Larger than any event that a group which reports mounts can get: 24 bytes and one record of 16.
    package static let largestEvent = 64

    private static let version: UInt8 = 3
    private static let metadataLength = 24
    private static let recordHeaderLength = 4
    private static let mountRecordType: UInt8 = 7
    private static let mountRecordLength = 16
    private static let overflow: UInt64 = 0x4000
    private static let attach: UInt64 = 0x0100_0000
    private static let detach: UInt64 = 0x0200_0000

    /// What one `read` of the group's descriptor has given.
    ///
    /// What cannot be understood, be it cut off, of another version or a mount event without a mount, counts as
    /// ``MountEvents/everything``: an unknown change must not pass for none. Records of unknown types beside a mount's
    /// are skipped.
    package static func parse(_ bytes: Span<UInt8>) -> MountEvents {
        var events: [MountEvent] = []
        var start = 0
        while start < bytes.count {
            guard bytes.count - start >= metadataLength, bytes[start + 4] == version else { return .everything }
            let length = Int(number(UInt32.self, in: bytes, at: start))
            let headLength = Int(number(UInt16.self, in: bytes, at: start + 6))
            let mask = number(UInt64.self, in: bytes, at: start + 8)
            guard headLength >= metadataLength, length >= headLength, length <= bytes.count - start,
                mask & overflow == 0
            else { return .everything }
            guard mask & (attach | detach) != 0,
                let mount = mountID(in: bytes, from: start + headLength, to: start + length)
            else { return .everything }
            let attached = mask & attach != 0
            let detached = mask & detach != 0
            events.append(MountEvent(mount: mount, attached: attached, detached: detached))
            start += length
        }
        return events.isEmpty ? .none : .mounts(events)
    }

    /// The id of the mount record among the records from `start` to `end`; nil if it is not there exactly once.
    private static func mountID(in bytes: Span<UInt8>, from start: Int, to end: Int) -> KernelMountID? {
        var found: KernelMountID?
        var record = start
        while record < end {
            guard end - record >= recordHeaderLength else { return nil }
            let length = Int(number(UInt16.self, in: bytes, at: record + 2))
            guard length >= recordHeaderLength, length <= end - record else { return nil }
            if bytes[record] == mountRecordType {
                guard length >= mountRecordLength, found == nil else { return nil }
                found = KernelMountID(rawValue: number(UInt64.self, in: bytes, at: record + 8))
            }
            record += length
        }
        return found
    }

    /// A number in the machine's byte order; the caller has checked that it is there, and `Span` traps if it is not.
    private static func number<Value: FixedWidthInteger>(
        _ type: Value.Type, in bytes: Span<UInt8>, at offset: Int
    ) -> Value {
        var value: Value = 0
        for index in 0..<MemoryLayout<Value>.size {
            value |= Value(truncatingIfNeeded: bytes[offset + index]) << (8 * Value(index))
        }
        return Value(littleEndian: value)
    }
}
