// SPDX-License-Identifier: Apache-2.0

public import LinuxMount
internal import SystemPackage

/// The life of a worker: it takes a request, carries it out, answers, and ends when the daemon is gone.
public struct WorkerLoop: ~Copyable, Sendable {
    private let connection: PacketConnection
    private let operations: MountOperations
    private var locks: OperationLocks

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
    public mutating func run() throws(SystemCallError) {
        var held: OwnedDescriptor?
        while var received = try connection.receive(WorkerOrder.self) {
            let order = received.value
            if case .hold = order.request {
                held = received.descriptor.take()
                continue
            }
            if let lock = order.lock {
                try locks.lock(lock)
                // Only a lock that was held while the daemon lived is seen by the next one.
                if try connection.isHungUp() { return }
            }
            try answer(order.request, holding: held.take())
            if order.request.isLast { return }
            // Not before: until the answer is sent, what was built is this process's alone.
            if let lock = order.lock { try locks.unlock(lock) }
        }
    }

    /// Answers the first request with why nothing can be done here, and returns: whoever asks next has another worker,
    /// which may fare better. Blocks the thread until then.
    ///
    /// - Throws: what kept it from hearing or answering.
    public static func refuse(
        because error: SystemCallError, over connection: borrowing PacketConnection
    ) throws(SystemCallError) {
        while let received = try connection.receive(WorkerOrder.self) {
            // What is held is closed here, which is all that would have become of it.
            if case .hold = received.value.request { continue }
            return try connection.send(WorkerReply.failed(error), with: -1)
        }
    }

    private func answer(
        _ request: WorkerRequest, holding held: consuming OwnedDescriptor?
    ) throws(SystemCallError) {
        var mount: DetachedMount?
        var reply: WorkerReply
        do throws(OperationFailure) {
            switch request {
            case .build(let recipe, let group):
                mount = try operations.build(recipe, in: group.map(ControlGroup.init))
                reply = .built
            case .unmount(let id, let path, let means):
                reply = .unmounted(try operations.unmount(id, from: path, by: means, lock: nil))
            case .endParked(let id):
                reply = .unmounted(try operations.endParked(id, interrupt: nil))
            case .probe(let id, let path):
                try operations.probe(id, at: path, within: .zero, interrupt: nil)
                reply = .probed
            case .close, .hold:
                guard let held else { throw .refused(SystemCallError("close", .badFileDescriptor)) }
                try operations.close(held)
                reply = .closed
            case .detect(let path):
                reply = .detected(try operations.detect(path, interrupt: nil))
            case .makeWritable(let id, let path):
                try operations.makeWritable(id, at: path, lock: nil)
                reply = .madeWritable
            }
        } catch {
            switch error {
            case .refused(let refusal): reply = .failed(refusal)
            case .ownFolder(let shown): reply = .ownFolder(shown)
            case .helper(let failure): reply = .helperFailed(failure)
            // Only who waits for a worker knows these.
            case .late, .stuck, .ended, .tooManyStuck, .cacheInUse: return
            }
        }
        try connection.send(reply, with: mount?.descriptorNumber ?? -1)
    }
}
