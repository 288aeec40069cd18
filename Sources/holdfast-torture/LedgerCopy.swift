// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Foundation
internal import Glibc
internal import Ledger
internal import MountModel
internal import Synchronization
internal import SystemPackage

/// What the ledger of a daemon that is dead holds, read from a copy: reading it changes it.
struct LedgerCopy {
    let world: World

    /// The attachments in it, and whether each is persistent; blocks.
    ///
    /// - Throws: what kept it from being read, and a row that is nobody's.
    func attachments() throws -> [LoadKey: HeldAttachment] {
        let folder = world.folder + "/copy"
        try require(mkdir(folder, 0o700) == 0 || errno == EEXIST, "mkdir \(folder)")
        for name in ["ledger.sqlite", "ledger.sqlite-wal"] {
            let copy = folder + "/" + name
            try require(unlink(copy) == 0 || errno == ENOENT, "unlink \(copy)")
            guard let data = FileManager.default.contents(atPath: world.stateFolder + "/" + name) else { continue }
            guard FileManager.default.createFile(atPath: copy, contents: data, attributes: [.posixPermissions: 0o600])
            else { throw Complaint("cannot copy the ledger to \(copy)") }
        }
        let file = folder + "/ledger.sqlite"
        guard FileManager.default.fileExists(atPath: file) else { return [:] }
        let contents = try Self.load(folder)
        var keys: [LoadKey: HeldAttachment] = [:]
        for (mountpoint, entry) in contents.mounts {
            let source = world.sources.firstIndex {
                $0.matches(
                    type: entry.record.source.type.rawValue, source: entry.record.source.source,
                    mountpoint: mountpoint.path.string)
            }
            guard let source else { throw Complaint("the ledger has \(entry.record.source), which is nobody's") }
            for attachment in entry.attachments {
                let key = LoadKey(
                    source: source, consumer: attachment.key.consumer.name, volume: attachment.key.volume.name)
                keys[key] = HeldAttachment(id: nil, isPersistent: attachment.persistent)
            }
        }
        return keys
    }

    private static func load(_ folder: String) throws -> LedgerContents {
        let answer = Answer<LedgerContents>()
        Task.detached {
            do {
                let ledger = try SQLiteLedger.open(at: FilePath(folder))
                let contents = try await ledger.load()
                try await ledger.close()
                answer.give(.success(contents))
            } catch {
                answer.give(.failure(error))
            }
        }
        return try answer.wait().get()
    }
}

/// Hands a value from a task to a thread that waits for it.
private final class Answer<Value: Sendable>: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    private let value = Mutex<Result<Value, any Error>>(.failure(Complaint("no answer")))

    func give(_ result: Result<Value, any Error>) {
        value.withLock { $0 = result }
        semaphore.signal()
    }

    func wait() -> Result<Value, any Error> {
        semaphore.wait()
        return value.withLock { $0 }
    }
}
