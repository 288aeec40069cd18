// SPDX-License-Identifier: Apache-2.0

public import LinuxMount
internal import SystemPackage

/// The life of a worker: it takes a request, carries it out, answers, and ends when the daemon is gone.
public struct WorkerLoop: ~Copyable, Sendable {
    private let connection: PacketConnection
    private let operations: MountOperations
    private let locks: OperationLocks

    /// Puts the parts together.
    public init(
        connection: consuming PacketConnection, operations: MountOperations, locks: consuming OperationLocks
    ) {
        self.connection = connection
        self.operations = operations
        self.locks = locks
    }

    /// Returns at the end of the connection. Blocks the thread for as long.
    ///
    /// - Throws: what kept it from hearing or answering: a packet that makes no sense, too.
    public func run() throws(SystemCallError) {
        while var received = try connection.receive(WorkerOrder.self) {
            let descriptor = received.descriptor.take()
            let order = received.value
            if let lock = order.lock { try locks.lock(lock) }
            try answer(order.request, with: descriptor)
            if let lock = order.lock { try locks.unlock(lock) }
        }
    }

    private func answer(
        _ request: WorkerRequest, with descriptor: consuming OwnedDescriptor?
    ) throws(SystemCallError) {
        do throws(SystemCallError) {
            switch request {
            case .build(let recipe):
                let mount = try operations.build(recipe)
                try connection.send(WorkerReply.built, with: mount.descriptorNumber)
            case .unmount(let id, let path, _):
                try connection.send(WorkerReply.unmounted(try operations.unmount(id, from: path)))
            case .close:
                guard let mount = descriptor else { throw SystemCallError("close", .badFileDescriptor) }
                try mount.close()
                try connection.send(WorkerReply.closed)
            case .detect(let path):
                try connection.send(WorkerReply.detected(try operations.identify(path)))
            }
        } catch {
            try connection.send(WorkerReply.failed(error))
        }
    }
}
