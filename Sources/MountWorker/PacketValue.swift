// SPDX-License-Identifier: Apache-2.0

/// A value that goes between daemon and worker in a packet.
///
/// Both are of one build, so that there is no version and no room for one. Numbers are in the machine's own order.
package protocol PacketValue: Sendable {
    /// Appends the value.
    func write(to packet: inout PacketWriter)
    /// Takes it from the packet's front.
    ///
    /// - Throws: `MalformedPacket` for what no `write` has made.
    init(from packet: inout PacketReader) throws(MalformedPacket)
}

/// A packet that this build has not written.
package struct MalformedPacket: Error, Hashable {}

/// A packet that is being put together.
package struct PacketWriter {
    /// What there is of it.
    package private(set) var bytes: [UInt8] = []

    mutating func append(_ value: some PacketValue) { value.write(to: &self) }

    mutating func append(raw number: some FixedWidthInteger) {
        withUnsafeBytes(of: number) { bytes.append(contentsOf: $0) }
    }

    mutating func append(raw text: some Collection<UInt8>) { bytes.append(contentsOf: text) }
}

/// What of a packet has not been read.
package struct PacketReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    /// How many bytes are left: no list can have more elements.
    var count: Int { rest.count }

    mutating func take<Value: PacketValue>(_: Value.Type = Value.self) throws(MalformedPacket) -> Value {
        try Value(from: &self)
    }

    mutating func takeRaw<Number: FixedWidthInteger>(_: Number.Type = Number.self) throws(MalformedPacket) -> Number {
        let size = MemoryLayout<Number>.size
        let bytes = try takeBytes(size)
        return bytes.withUnsafeBytes { $0.loadUnaligned(as: Number.self) }
    }

    mutating func takeBytes(_ count: Int) throws(MalformedPacket) -> ArraySlice<UInt8> {
        guard count >= 0, count <= rest.count else { throw MalformedPacket() }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }
}
