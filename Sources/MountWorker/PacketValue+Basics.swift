// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
internal import SystemPackage

extension PacketValue where Self: FixedWidthInteger {
    package func write(to packet: inout PacketWriter) { packet.append(raw: self) }
    package init(from packet: inout PacketReader) throws(MalformedPacket) { self = try packet.takeRaw() }
}

extension UInt8: PacketValue {}
extension UInt16: PacketValue {}
extension UInt32: PacketValue {}
extension UInt64: PacketValue {}
extension Int32: PacketValue {}

extension Bool: PacketValue {
    package func write(to packet: inout PacketWriter) { packet.append(raw: UInt8(self ? 1 : 0)) }

    package init(from packet: inout PacketReader) throws(MalformedPacket) {
        switch try packet.takeRaw(UInt8.self) {
        case 0: self = false
        case 1: self = true
        default: throw MalformedPacket()
        }
    }
}

extension String: PacketValue {
    package func write(to packet: inout PacketWriter) {
        packet.append(raw: UInt32(utf8.count))
        packet.append(raw: utf8)
    }

    package init(from packet: inout PacketReader) throws(MalformedPacket) {
        let count = try packet.takeRaw(UInt32.self)
        guard let text = String(validating: try packet.takeBytes(Int(count)), as: UTF8.self) else {
            throw MalformedPacket()
        }
        self = text
    }
}

extension Array: PacketValue where Element: PacketValue {
    package func write(to packet: inout PacketWriter) {
        packet.append(raw: UInt32(count))
        for element in self { packet.append(element) }
    }

    package init(from packet: inout PacketReader) throws(MalformedPacket) {
        let count = Int(try packet.takeRaw(UInt32.self))
        guard count <= packet.count else { throw MalformedPacket() }
        self = []
        reserveCapacity(count)
        for _ in 0..<count { append(try packet.take()) }
    }
}

extension Optional: PacketValue where Wrapped: PacketValue {
    package func write(to packet: inout PacketWriter) {
        packet.append(self != nil)
        if let self { packet.append(self) }
    }

    package init(from packet: inout PacketReader) throws(MalformedPacket) {
        self = try packet.take(Bool.self) ? try packet.take(Wrapped.self) : nil
    }
}

extension FilePath: PacketValue {
    package func write(to packet: inout PacketWriter) {
        let bytes = withPlatformString { Array(UnsafeBufferPointer(start: $0, count: length)) }
        packet.append(raw: UInt32(bytes.count))
        packet.append(raw: bytes.lazy.map { UInt8(bitPattern: $0) })
    }

    package init(from packet: inout PacketReader) throws(MalformedPacket) {
        let count = Int(try packet.takeRaw(UInt32.self))
        var bytes = try packet.takeBytes(count).map { CChar(bitPattern: $0) }
        guard !bytes.contains(0) else { throw MalformedPacket() }
        bytes.append(0)
        self.init(platformString: bytes)
    }
}

extension KernelMountID: PacketValue {
    package func write(to packet: inout PacketWriter) { packet.append(rawValue) }
    package init(from packet: inout PacketReader) throws(MalformedPacket) { self.init(rawValue: try packet.take()) }
}

extension SystemCallError: PacketValue {
    package func write(to packet: inout PacketWriter) {
        packet.append(call)
        packet.append(errno.rawValue)
        packet.append(subject)
        packet.append(kernelMessages)
    }

    package init(from packet: inout PacketReader) throws(MalformedPacket) {
        self.init(
            try packet.take(), Errno(rawValue: try packet.take()), on: try packet.take(),
            kernelMessages: try packet.take())
    }
}
