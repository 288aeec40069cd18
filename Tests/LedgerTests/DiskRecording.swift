// SPDX-License-Identifier: Apache-2.0

import Foundation
import MountTestSupport

/// What was done to a ledger's files, in order, from which the disk's state after a power cut at any moment is made.
final class DiskRecording: Sendable {
    /// One call of SQLite's, or a mark of the test's.
    enum Operation: Sendable {
        case write(String, Int, [UInt8])
        case truncate(String, Int)
        case sync(String)
        case delete(String, isDurable: Bool)
        case mark(Mark)
    }

    /// What the test knew at that moment.
    enum Mark: Sendable {
        /// The change that leads to the n-th state was handed in.
        case begun(Int)
        /// It was acknowledged, and had to be on the device (`isFull`).
        case acknowledged(Int, isFull: Bool)
    }

    /// The ledger's path; its files' names begin with it.
    let ledger: String
    private let operations: Locked<[Operation]>

    init(ledger: String, after earlier: [Operation] = []) {
        self.ledger = ledger
        operations = Locked(earlier)
    }

    func note(_ operation: Operation) { operations.with { $0.append(operation) } }
    var all: [Operation] { operations.with { $0 } }
}

/// A disk as operations leave it: what is on the device, and what is only in the kernel's cache.
struct DiskModel {
    typealias Operation = DiskRecording.Operation

    /// The database's own path.
    let ledger: String

    /// What is on the device, by path.
    private(set) var durable: [String: [UInt8]] = [:]
    /// What is not yet, by path, in order.
    private(set) var pending: [String: [Operation]] = [:]
    private var synced: Set<String> = []
    /// The last state that was acknowledged with a full sync.
    private(set) var leastState = 0
    /// The last state that was handed in.
    private(set) var mostState = 0

    /// How much of what is pending a power cut keeps.
    enum Loss: CaseIterable { case everything, nothing, suffix, someSectors, somePages }

    init(ledger: String) { self.ledger = ledger }

    mutating func apply(_ operation: Operation) {
        switch operation {
        case .write(let path, _, _), .truncate(let path, _): pending[path, default: []].append(operation)
        case .sync(let path):
            // SQLite syncs the folder of a log or journal together with the file, the first time.
            if path != ledger, synced.insert(path).inserted { makeDeletionsDurable() }
            durable[path] = Self.content(durable[path] ?? [], after: pending[path] ?? [])
            pending[path] = nil
        case .delete(let path, let isDurable):
            if isDurable {
                durable[path] = nil
                pending[path] = nil
            } else {
                pending[path, default: []].append(operation)
            }
        case .mark(.begun(let state)): mostState = state
        case .mark(.acknowledged(let state, let isFull)): if isFull { leastState = state }
        }
    }

    private mutating func makeDeletionsDurable() {
        for (path, operations) in pending {
            guard case .delete = operations.last else { continue }
            durable[path] = nil
            pending[path] = nil
        }
    }

    /// The files as a power cut at this moment may leave them.
    func image(losing loss: Loss, using generator: inout SeededGenerator) -> [String: [UInt8]] {
        var image = durable
        for (path, operations) in pending.sorted(by: { $0.key < $1.key }) {
            let kept = Self.kept(of: operations, losing: loss, using: &generator)
            if kept.isEmpty { continue }
            if case .delete = kept.last {
                image[path] = nil
            } else {
                image[path] = Self.content(durable[path] ?? [], after: kept)
            }
        }
        return image
    }

    private static func kept(
        of operations: [Operation], losing loss: Loss, using generator: inout SeededGenerator
    ) -> [Operation] {
        switch loss {
        case .everything: return []
        case .nothing: return operations
        case .suffix:
            var kept = Array(operations.prefix(Int.random(in: 0...operations.count, using: &generator)))
            // The last one is torn.
            if case .write(let path, let offset, let bytes) = kept.last {
                let size = Bool.random(using: &generator) ? 512 : 4096
                let length = Int.random(in: 0...(bytes.count / size), using: &generator) * size
                kept[kept.count - 1] = .write(path, offset, Array(bytes.prefix(length)))
            }
            return kept
        case .someSectors, .somePages:
            let size = loss == .someSectors ? 512 : 4096
            return operations.flatMap { operation -> [Operation] in
                guard case .write(let path, let offset, let bytes) = operation else {
                    return Bool.random(using: &generator) ? [operation] : []
                }
                return pieces(of: bytes, at: offset, path, size).filter { _ in Bool.random(using: &generator) }
            }
        }
    }

    /// The write in the device's own units.
    private static func pieces(of bytes: [UInt8], at offset: Int, _ path: String, _ size: Int) -> [Operation] {
        var pieces: [Operation] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, (offset + start) / size * size + size - offset)
            pieces.append(.write(path, offset + start, Array(bytes[start..<end])))
            start = end
        }
        return pieces
    }

    private static func content(_ start: [UInt8], after operations: [Operation]) -> [UInt8] {
        var content = start
        for operation in operations {
            switch operation {
            case .write(_, let offset, let bytes):
                if content.count < offset + bytes.count {
                    content += [UInt8](repeating: 0, count: offset + bytes.count - content.count)
                }
                content.replaceSubrange(offset..<offset + bytes.count, with: bytes)
            case .truncate(_, let size):
                if size < content.count { content.removeLast(content.count - size) }
            case .delete: content = []
            case .sync, .mark: break
            }
        }
        return content
    }
}
