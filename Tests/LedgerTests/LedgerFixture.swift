// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Glibc
import MountModel
import SystemPackage
import Testing

@testable import Ledger

/// A state folder of a test's own; `remove` ends it.
struct LedgerFolder {
    let path: FilePath

    init() throws {
        var template = Array((FileManager.default.temporaryDirectory.path + "/ledger-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
        path = FilePath(platformString: template)
    }

    /// One that is there already.
    init(at path: FilePath) { self.path = path }

    var file: FilePath { path.appending(SQLiteLedger.fileName) }

    func open(steps: LedgerSteps = .none, waitingLimit: Int = 4096) throws -> SQLiteLedger {
        try SQLiteLedger.open(at: path, waitingLimit: waitingLimit, steps: steps)
    }

    /// Why it cannot be opened.
    func openFailure(sourceLocation: SourceLocation = #_sourceLocation) throws -> LedgerOpenError {
        try #require(throws: LedgerOpenError.self, sourceLocation: sourceLocation) { _ = try open() }
    }

    /// Runs SQL on the closed ledger, behind its back and without its rules.
    func tamper(_ sql: String) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        let database = try DatabaseQueue(path: file.string, configuration: configuration)
        try database.inDatabase { try $0.execute(sql: sql) }
        try database.close()
    }

    /// What a crash would leave now: the ledger and its log, copied to another folder.
    ///
    /// Reading the files drops this process's locks on them, which no test that uses this depends on.
    func copy() throws -> LedgerFolder {
        let copy = try LedgerFolder()
        for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: file.string + suffix) {
            try bytes(suffix).write(to: URL(fileURLWithPath: copy.file.string + suffix))
        }
        return copy
    }

    func bytes(_ suffix: String = "") throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: file.string + suffix))
    }

    func contents() async throws -> LedgerContents {
        let ledger = try open()
        let contents = try await ledger.load()
        try await ledger.close()
        return contents
    }

    func remove() throws { try FileManager.default.removeItem(atPath: path.string) }
}

/// Runs a body with a folder of its own, and removes the folder whatever happens.
func withLedgerFolder<Value>(_ body: (LedgerFolder) async throws -> Value) async throws -> Value {
    let folder = try LedgerFolder()
    do {
        let value = try await body(folder)
        try folder.remove()
        return value
    } catch {
        try folder.remove()
        throw error
    }
}

/// Values to write.
enum Sample {
    static func record(_ id: UInt64? = 7) -> MountRecord {
        MountRecord(
            source: MountSource(type: FilesystemType(rawValue: "tmpfs"), source: "tmpfs", options: []),
            boot: BootID(rawValue: "boot"), mountID: id.map { MountID(rawValue: $0) })
    }

    static func key(_ consumer: String, _ volume: String = ".") throws -> AttachmentKey {
        AttachmentKey(volume: try Volume(volume), consumer: try Consumer(consumer))
    }

    /// Record and one attachment in one change.
    static func attach(_ mountpoint: String, _ consumer: String, fullSync: Bool = false) throws -> LedgerChange {
        LedgerChange(
            mountpoint: try Mountpoint(mountpoint), record: .set(record()),
            add: [Attachment(key: try key(consumer), owner: 1000, persistent: fullSync)], fullSync: fullSync)
    }
}

extension LedgerContents {
    /// Every consumer on any mountpoint.
    var consumers: Set<String> { Set(mounts.values.flatMap { $0.attachments.map(\.key.consumer.name) }) }
}

/// Holds the writer at the first step of a kind until it is released.
struct Gate {
    let steps: LedgerSteps
    private let arrived: AsyncStream<Void>
    private let semaphore = DispatchSemaphore(value: 0)

    init(at step: LedgerSteps.Step) {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        arrived = stream
        let semaphore = semaphore
        let passed = Locked(false)
        steps = LedgerSteps { reached in
            guard reached == step,
                passed.with({ value in
                    defer { value = true }; return !value
                })
            else { return }
            continuation.yield()
            continuation.finish()
            semaphore.wait()
        }
    }

    func waitForWriter() async { for await _ in arrived { return } }
    func release() { semaphore.signal() }
}

/// A value behind a pthread lock, which the thread sanitizer understands.
final class Locked<Value: Sendable>: @unchecked Sendable {
    // SAFETY: `value` is touched only while `lock` is held.
    private let lock = NSLock()
    private var value: Value

    init(_ value: Value) { self.value = value }

    func with<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        lock.lock()
        defer { lock.unlock() }
        return try body(&value)
    }
}
