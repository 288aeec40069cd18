// SPDX-License-Identifier: Apache-2.0

public import LinuxMount

/// A request, and what the worker locks while it carries it out.
public struct WorkerOrder: Hashable, Sendable {
    /// The mountpoint's lock; nil where no other operation can collide.
    public var lock: OperationLock?
    /// What is to be done.
    public var request: WorkerRequest

    /// Joins the two.
    public init(_ request: WorkerRequest, lock: OperationLock?) {
        self.request = request
        self.lock = lock
    }
}

extension WorkerOrder: PacketValue {
    package func write(to packet: inout PacketWriter) {
        packet.append(lock?.rawValue)
        packet.append(request)
    }

    package init(from packet: inout PacketReader) throws(MalformedPacket) {
        let lock: UInt64? = try packet.take()
        self.init(try packet.take(), lock: lock.map(OperationLock.init(rawValue:)))
    }
}
