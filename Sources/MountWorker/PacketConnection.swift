// SPDX-License-Identifier: Apache-2.0

internal import CLinux
public import LinuxMount
internal import SystemPackage

/// One end of a connection of packets, each of which may carry one descriptor (SOCK_SEQPACKET, `man 7 unix`).
public struct PacketConnection: ~Copyable, Sendable {
    /// The longest packet: options and paths of one mount, or the kernel's messages about it.
    static let longestPacket = 1 << 17

    private let socket: OwnedDescriptor

    /// Takes over a socket of that kind.
    public init(owning socket: consuming OwnedDescriptor) { self.socket = socket }

    /// Takes over the socket that a program has been started with, and makes it close-on-exec.
    ///
    /// - Throws: EBADF where there is none.
    public init(inherited number: CInt) throws(SystemCallError) {
        let duplicate = try SystemCallError.check(hf_duplicate(number), "fcntl")
        _ = OwnedDescriptor(owning: number)
        socket = OwnedDescriptor(owning: duplicate)
    }

    /// Two ends of a new connection.
    ///
    /// - Throws: EMFILE or ENFILE.
    package static func pair() throws(SystemCallError) -> Pair {
        var ends: [CInt] = [-1, -1]
        try SystemCallError.check(hf_packet_pair(&ends), "socketpair")
        return Pair(
            near: PacketConnection(owning: OwnedDescriptor(owning: ends[0])), far: OwnedDescriptor(owning: ends[1]))
    }

    /// Both ends; a tuple cannot hold them.
    package struct Pair: ~Copyable {
        /// This process's.
        package let near: PacketConnection
        /// The other's.
        package let far: OwnedDescriptor
    }

    /// The socket's number, for as long as this value lives: to wait for a packet.
    package var number: CInt { socket.rawValue }

    /// Whether the other end is closed, whatever it has sent before. Does not block.
    ///
    /// - Throws: what `poll` answers.
    package func isHungUp() throws(SystemCallError) -> Bool {
        try SystemCallError.check(hf_is_hung_up(socket.rawValue), "poll") == 1
    }

    /// Sends the value; the descriptor stays the caller's. Blocks while the other end has not read what came before.
    ///
    /// - Throws: EPIPE when the other end is gone, EMSGSIZE for what is too long.
    package func send(_ value: some PacketValue, with descriptor: CInt = -1) throws(SystemCallError) {
        var packet = PacketWriter()
        packet.append(value)
        guard packet.bytes.count <= Self.longestPacket else {
            throw SystemCallError("sendmsg", Errno(rawValue: 90), on: "\(packet.bytes.count) bytes")
        }
        try SystemCallError.check(
            hf_send_packet(socket.rawValue, packet.bytes, packet.bytes.count, descriptor), "sendmsg")
    }

    /// Waits for the next packet.
    ///
    /// - Returns: nil at the end of the connection.
    /// - Throws: EPROTO for a packet that makes no sense, ECONNRESET and the like as `recvmsg` answers.
    package func receive<Value: PacketValue>(_: Value.Type) throws(SystemCallError) -> Received<Value>? {
        var descriptor: CInt = -1
        var length = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.longestPacket) { buffer, count in
            length = hf_receive_packet(socket.rawValue, buffer.baseAddress, buffer.count, &descriptor)
            count = max(0, length)
        }
        let carried = descriptor >= 0 ? OwnedDescriptor(owning: descriptor) : nil
        if length == 0 { return nil }
        try SystemCallError.check(length, "recvmsg")
        var packet = PacketReader(bytes[...])
        do throws(MalformedPacket) {
            let value = try packet.take(Value.self)
            guard packet.isAtEnd else { throw MalformedPacket() }
            return Received(value: value, descriptor: carried)
        } catch {
            throw SystemCallError("recvmsg", Errno(rawValue: 71), on: "a packet of \(length) bytes")
        }
    }

    /// What a packet held.
    package struct Received<Value: PacketValue>: ~Copyable {
        /// What it says.
        package let value: Value
        /// What it carried.
        package var descriptor: OwnedDescriptor?
    }
}
