// SPDX-License-Identifier: Apache-2.0

import Foundation
import MountModel
import MountTestSupport
import SystemPackage
import Testing

@testable import Ledger

/// The power is cut at every write and sync of a workload; what was synced is kept, of the rest anything.
@Suite("A ledger after a power cut")
struct PowerCutTests {
    @Test(
        "at every cut point: what was fully synced is there, and the whole is one state of the commit order",
        arguments: Array(1...3) as [UInt64])
    func everyCutPoint(seed: UInt64) async throws {
        try FaultingFileSystem.install()
        try await withLedgerFolder { folder in
            let recording = DiskRecording(ledger: folder.file.string)
            FaultingFileSystem.record(recording)
            var workload = Workload(seed: seed)
            let ledger = try folder.open()
            try await workload.run(40, on: ledger, recording)
            try await ledger.close()
            FaultingFileSystem.endRecording(recording)
            let count = try await Self.check(recording, against: workload.states, seed: seed)
            #expect(count > 250, "seed \(seed): \(count) images")
        }
    }

    @Test("what the first answer after a start rests on is on the device", arguments: Array(1...5) as [UInt64])
    func firstAnswer(seed: UInt64) async throws {
        try FaultingFileSystem.install()
        try await withLedgerFolder { folder in
            let recording = DiskRecording(ledger: folder.file.string)
            FaultingFileSystem.record(recording)
            var workload = Workload(seed: seed)
            let ledger = try folder.open()
            try await workload.run(25, on: ledger, recording, allowsFullSync: false)
            let killed = recording.all
            try await ledger.close()
            FaultingFileSystem.endRecording(recording)

            // The process was killed; its writes are in the cache, and the next one reads them there.
            var disk = DiskModel(ledger: recording.ledger)
            for operation in killed { disk.apply(operation) }
            var generator = SeededGenerator(seed: seed)
            let next = try Image(disk.image(losing: .nothing, using: &generator), of: folder)
            let second = DiskRecording(
                ledger: next.folder.file.string,
                after: killed.map { $0.moved(from: folder.path.string, to: next.folder.path.string) })
            FaultingFileSystem.record(second)
            let again = try next.folder.open()
            let read = try await again.load()
            #expect(read == workload.states.last)
            var after = DiskModel(ledger: second.ledger)
            for operation in second.all { after.apply(operation) }
            FaultingFileSystem.endRecording(second)
            try await again.close()
            for loss in DiskModel.Loss.allCases {
                let image = try Image(after.image(losing: loss, using: &generator), of: next.folder)
                #expect(try await image.folder.contents() == read, "seed \(seed), losing \(loss)")
                try image.folder.remove()
            }
            try next.folder.remove()
        }
    }

    @Test("on a full disk, too: what cannot be copied is synced where it is")
    func firstAnswerOnAFullDisk() async throws {
        try FaultingFileSystem.install()
        try await withLedgerFolder { folder in
            let ledger = try folder.open()
            for number in 0..<60 { try await ledger.commit(try Sample.attach("/mnt/\(number)", "a")) }
            let killed = try folder.copy()
            try await ledger.close()
            let recording = DiskRecording(ledger: killed.file.string)
            FaultingFileSystem.record(recording)
            for file in [killed.file.string, killed.file.string + "-wal"] {
                FaultingFileSystem.plan(.init(writes: 1000, writeAnswer: 13 /* SQLITE_FULL */), forFile: file)
            }
            let again = try killed.open()
            #expect(try await again.load().mounts.count == 60)
            let syncs = recording.all.filter { if case .sync(let path) = $0 { path.hasSuffix("-wal") } else { false } }
            #expect(syncs.count == 1)
            let refusal = await #expect(throws: MountError.self) {
                try await again.commit(try Sample.attach("/mnt/new", "a"))
            }
            #expect(refusal?.code == .resourceExhausted)
            for file in [killed.file.string, killed.file.string + "-wal"] {
                FaultingFileSystem.plan(.init(), forFile: file)
            }
            try await again.commit(try Sample.attach("/mnt/new", "a"))
            try await again.close()
            FaultingFileSystem.endRecording(recording)
            #expect(try await killed.contents().mounts.count == 61)
            try killed.remove()
        }
    }

    @Test("the log does not grow beyond bounds")
    func logIsBounded() async throws {
        try await withLedgerFolder { folder in
            let ledger = try folder.open()
            var largest = 0
            for number in 0..<3000 {
                try await ledger.commit(try Sample.attach("/mnt/\(number % 700)", "consumer \(number)"))
                if number % 100 == 99 { largest = max(largest, try folder.bytes("-wal").count) }
            }
            #expect(largest > 1 << 20, "the log must have been used")
            #expect(largest < 6 << 20)
            try await ledger.close()
        }
    }

    /// Opens images of every cut point; returns how many.
    private static func check(
        _ recording: DiskRecording, against states: [LedgerContents], seed: UInt64
    ) async throws -> Int {
        var generator = SeededGenerator(seed: seed)
        var disk = DiskModel(ledger: recording.ledger)
        var count = 0
        let folder = LedgerFolder(at: FilePath(recording.ledger).removingLastComponent())
        for (cut, operation) in recording.all.enumerated() {
            disk.apply(operation)
            if case .mark = operation { continue }
            // All kinds of loss would be minutes; which one it is, is the seed's.
            for loss in DiskModel.Loss.allCases.shuffled(using: &generator).prefix(2) {
                let place: Comment = "seed \(seed), cut \(cut), losing \(loss)"
                let image = try Image(disk.image(losing: loss, using: &generator), of: folder)
                do {
                    let found = try await image.folder.contents()
                    let possible = states[disk.leastState...disk.mostState]
                    let index = states.lastIndex(of: found)
                    #expect(
                        possible.contains(found), "\(place): state \(index ?? -1) is not in \(possible.indices)")
                } catch {
                    Issue.record(error, place)
                }
                try image.folder.remove()
                count += 1
            }
        }
        return count
    }
}

/// Changes one after another, and the states that they lead to.
private struct Workload {
    var model: LedgerModel
    /// The contents after each change that was allowed; the first is the empty ledger.
    var states = [LedgerContents()]

    init(seed: UInt64) { model = LedgerModel(seed: seed) }

    mutating func run(
        _ count: Int, on ledger: SQLiteLedger, _ recording: DiskRecording, allowsFullSync: Bool = true
    ) async throws {
        for _ in 0..<count {
            let name = LedgerModel.mountpoints[Int.random(in: 0..<3, using: &model.generator)]
            var change = try model.change(at: try Mountpoint(name))
            change.fullSync = allowsFullSync && Int.random(in: 0..<3, using: &model.generator) == 0
            guard model.apply(change) else { continue }
            let number = states.count
            states.append(model.contents)
            recording.note(.mark(.begun(number)))
            try await ledger.commit(change)
            recording.note(.mark(.acknowledged(number, isFull: change.fullSync)))
        }
    }
}

/// A folder with the files of an image.
private struct Image {
    let folder: LedgerFolder

    init(_ files: [String: [UInt8]], of original: LedgerFolder) throws {
        folder = try LedgerFolder()
        // Made and synced before SQLite sees it.
        try Data().write(to: URL(fileURLWithPath: folder.file.string))
        for (path, bytes) in files {
            let name = path.replacing(original.path.string, with: folder.path.string)
            try Data(bytes).write(to: URL(fileURLWithPath: name))
        }
    }
}

extension DiskRecording.Operation {
    /// The same on another folder's files.
    fileprivate func moved(from old: String, to new: String) -> DiskRecording.Operation {
        switch self {
        case .write(let path, let offset, let bytes): .write(path.replacing(old, with: new), offset, bytes)
        case .truncate(let path, let size): .truncate(path.replacing(old, with: new), size)
        case .sync(let path): .sync(path.replacing(old, with: new))
        case .delete(let path, let isDurable): .delete(path.replacing(old, with: new), isDurable: isDurable)
        case .mark: self
        }
    }
}
