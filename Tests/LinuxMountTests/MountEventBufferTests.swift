// SPDX-License-Identifier: Apache-2.0

import LinuxMount
import Testing

@Suite struct MountEventBufferTests {
    @Test func `An empty buffer is no event`() {
        #expect(MountEventBuffer.parse([UInt8]().span) == .none)
    }

    @Test func `Attach, detach and move are told apart by the bits of the mask, in the kernel's order`() {
        let bytes =
            WrittenEvent(attached: true, mount: 5).bytes + WrittenEvent(detached: true, mount: 1 << 40).bytes
            + WrittenEvent(attached: true, detached: true, mount: .max).bytes
        #expect(
            MountEventBuffer.parse(bytes.span)
                == .mounts([
                    MountEvent(mount: KernelMountID(rawValue: 5), attached: true, detached: false),
                    MountEvent(mount: KernelMountID(rawValue: 1 << 40), attached: false, detached: true),
                    MountEvent(mount: KernelMountID(rawValue: .max), attached: true, detached: true),
                ]))
    }

    @Test func `An overflow is everything, whatever stands beside it`() {
        let overflow = WrittenEvent(mask: 0x4000, records: []).bytes
        #expect(MountEventBuffer.parse(overflow.span) == .everything)
        #expect(MountEventBuffer.parse((WrittenEvent(attached: true, mount: 5).bytes + overflow).span) == .everything)
    }

    @Test func `A buffer cut off anywhere but between events is everything`() {
        let one = WrittenEvent(attached: true, mount: 5).bytes
        let two = one + WrittenEvent(detached: true, mount: 6).bytes
        for length in 1..<two.count where length != one.count {
            #expect(MountEventBuffer.parse(Array(two.prefix(length)).span) == .everything, "\(length) bytes")
        }
    }

    @Test func `Records of unknown types are skipped, before and after the mount's`() {
        let unknown = record(type: 99, payload: [1, 2, 3, 4])
        let empty = record(type: 98, payload: [])
        let mount = mountRecord(7)
        let event = WrittenEvent(mask: 0x0100_0000, records: unknown + empty + mount + unknown)
        #expect(
            MountEventBuffer.parse(event.bytes.span)
                == .mounts([MountEvent(mount: KernelMountID(rawValue: 7), attached: true, detached: false)]))
    }

    @Test func `A longer head or a longer mount record of a later kernel is read by the lengths it gives`() {
        var longer = WrittenEvent(
            mask: 0x0200_0000, records: record(type: 7, payload: mountPayload(9) + [0, 0, 0, 0, 0, 0, 0, 0]))
        longer.extraHead = 8
        #expect(
            MountEventBuffer.parse(longer.bytes.span)
                == .mounts([MountEvent(mount: KernelMountID(rawValue: 9), attached: false, detached: true)]))
    }

    @Test(arguments: [
        ("another version", WrittenEvent(version: 4, mask: 0x0100_0000, records: mountRecord(5))),
        ("no known bit", WrittenEvent(mask: 0x2, records: mountRecord(5))),
        ("no mount record", WrittenEvent(mask: 0x0100_0000, records: [])),
        ("only an unknown record", WrittenEvent(mask: 0x0100_0000, records: record(type: 1, payload: mountPayload(5)))),
        ("two mount records", WrittenEvent(mask: 0x0100_0000, records: mountRecord(5) + mountRecord(6))),
        ("a short mount record", WrittenEvent(mask: 0x0100_0000, records: record(type: 7, payload: [1, 2, 3, 4]))),
        ("a record of length 0", WrittenEvent(mask: 0x0100_0000, records: [7, 0, 0, 0] + mountPayload(5))),
        ("a record of length 3", WrittenEvent(mask: 0x0100_0000, records: [1, 0, 3, 0] + mountRecord(5))),
        ("a record beyond the event", WrittenEvent(mask: 0x0100_0000, records: [7, 0, 17, 0] + mountPayload(5))),
        ("half a record header", WrittenEvent(mask: 0x0100_0000, records: mountRecord(5) + [1, 0])),
        ("an event of length 0", WrittenEvent(mask: 0x0100_0000, records: mountRecord(5), length: 0)),
        ("an event shorter than its head", WrittenEvent(mask: 0x0100_0000, records: mountRecord(5), length: 23)),
        ("an event beyond the buffer", WrittenEvent(mask: 0x0100_0000, records: mountRecord(5), length: 41)),
        ("the longest length", WrittenEvent(mask: 0x0100_0000, records: mountRecord(5), length: .max)),
        ("a head shorter than the head", WrittenEvent(mask: 0x0100_0000, records: mountRecord(5), headLength: 16)),
        ("a head beyond the event", WrittenEvent(mask: 0x0100_0000, records: mountRecord(5), headLength: .max)),
    ])
    func `What cannot be understood is everything`(what: String, event: WrittenEvent) {
        #expect(MountEventBuffer.parse(event.bytes.span) == .everything, "\(what)")
    }

    @Test func `Any bytes have an answer`() {
        var seed: UInt64 = 0x5eed
        func next() -> UInt64 {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return seed >> 33
        }
        let sound = WrittenEvent(attached: true, mount: 5).bytes + WrittenEvent(detached: true, mount: 6).bytes
        for _ in 0..<100_000 {
            var bytes = sound
            for _ in 0...next() % 4 { bytes[Int(next()) % bytes.count] = UInt8(truncatingIfNeeded: next()) }
            bytes.removeLast(Int(next()) % 8)
            _ = MountEventBuffer.parse(bytes.span)
        }
    }
}

/// An event as the kernel writes it, and as it should not.
struct WrittenEvent: Sendable {
    var version: UInt8 = 3
    var mask: UInt64
    var records: [UInt8]
    var length: UInt32?
    var headLength: UInt16?
    var extraHead = 0

    init(
        version: UInt8 = 3, mask: UInt64, records: [UInt8], length: UInt32? = nil, headLength: UInt16? = nil
    ) {
        self.version = version
        self.mask = mask
        self.records = records
        self.length = length
        self.headLength = headLength
    }

    init(attached: Bool = false, detached: Bool = false, mount: UInt64) {
        self.init(mask: (attached ? 0x0100_0000 : 0) | (detached ? 0x0200_0000 : 0), records: mountRecord(mount))
    }

    var bytes: [UInt8] {
        let headLength = headLength ?? UInt16(24 + extraHead)
        let length = length ?? UInt32(24 + extraHead + records.count)
        return little(length) + [version, 0] + little(headLength) + little(mask) + little(Int32(-1)) + little(Int32(0))
            + [UInt8](repeating: 0, count: extraHead) + records
    }
}

private func little(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

private func record(type: UInt8, payload: [UInt8]) -> [UInt8] {
    [type, 0] + little(UInt16(4 + payload.count)) + payload
}

private func mountPayload(_ mount: UInt64) -> [UInt8] { [0, 0, 0, 0] + little(mount) }
private func mountRecord(_ mount: UInt64) -> [UInt8] { record(type: 7, payload: mountPayload(mount)) }
