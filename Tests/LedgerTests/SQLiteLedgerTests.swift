// SPDX-License-Identifier: Apache-2.0

import Foundation
import MountModel
import SystemPackage
import Testing

@testable import Ledger

@Suite("The SQLite ledger")
struct SQLiteLedgerTests {
    @Test("what is loaded is what a plain model holds after the same changes", arguments: [1, 2, 3, 4] as [UInt64])
    func roundTrip(seed: UInt64) async throws {
        try await withLedgerFolder { folder in
            var model = LedgerModel(seed: seed)
            var ledger = try folder.open()
            var refused = 0
            for round in 0..<60 {
                var changes: [LedgerChange] = []
                for name in LedgerModel.mountpoints { changes.append(try model.change(at: try Mountpoint(name))) }
                let writing = ledger
                // One change for each mountpoint at a time, so that their order does not matter and they share commits.
                try await withThrowingTaskGroup(of: (Int, Bool).self) { group in
                    for (index, change) in changes.enumerated() {
                        group.addTask {
                            do throws(MountError) {
                                try await writing.commit(change)
                                return (index, true)
                            } catch {
                                #expect(error.code == .internal)
                                return (index, false)
                            }
                        }
                    }
                    for try await (index, isWritten) in group {
                        #expect(
                            model.apply(changes[index]) == isWritten, "seed \(seed), round \(round): \(changes[index])")
                        if !isWritten { refused += 1 }
                    }
                }
                if round % 20 == 19 {
                    #expect(try await ledger.load() == model.contents, "seed \(seed), round \(round)")
                    try await ledger.close()
                    ledger = try folder.open()
                }
            }
            #expect(try await ledger.load() == model.contents, "seed \(seed)")
            #expect(refused > 10, "seed \(seed): the changes must not all be allowed")
            try await ledger.close()
        }
    }

    @Test("a hundred changes that arrive during a commit share at most two further ones")
    func groupCommit() async throws {
        try await withLedgerFolder { folder in
            let gate = Gate(at: .beforeCommit)
            let ledger = try folder.open(steps: gate.steps)
            try await withThrowingTaskGroup { group in
                group.addTask { try await ledger.commit(try Sample.attach("/mnt/first", "first")) }
                await gate.waitForWriter()
                for number in 0..<100 {
                    group.addTask {
                        try await ledger.commit(
                            try Sample.attach("/mnt/\(number)", "consumer \(number)", fullSync: number == 50))
                    }
                }
                while await ledger.waitingCount < 100 { await Task.yield() }
                gate.release()
                try await group.waitForAll()
            }
            let counters = await ledger.counters
            #expect(counters.changes == 101)
            #expect(counters.commits <= 3)
            #expect(counters.fullSyncs == 1)
            #expect(try await ledger.load().mounts.count == 101)
            try await ledger.close()
        }
    }

    @Test("one bad member of a shared commit fails alone")
    func oneFailsAlone() async throws {
        try await withLedgerFolder { folder in
            let gate = Gate(at: .beforeCommit)
            let ledger = try folder.open(steps: gate.steps)
            let bad = LedgerChange(
                mountpoint: try Mountpoint("/mnt/bad"), add: [Attachment(key: try Sample.key("nobody"), owner: 0)])
            try await withThrowingTaskGroup { group in
                group.addTask { try await ledger.commit(try Sample.attach("/mnt/first", "first")) }
                await gate.waitForWriter()
                group.addTask { try await ledger.commit(try Sample.attach("/mnt/good", "good")) }
                group.addTask {
                    let error = await #expect(throws: MountError.self) { try await ledger.commit(bad) }
                    #expect(error?.code == .internal)
                    #expect(error?.context.target == "/mnt/bad")
                    #expect(error?.message.contains("FOREIGN KEY constraint failed") == true)
                }
                while await ledger.waitingCount < 2 { await Task.yield() }
                gate.release()
                try await group.waitForAll()
            }
            #expect(try await ledger.load().consumers == ["first", "good"])
            let counters = await ledger.counters
            #expect(counters.commits == 2)
            #expect(counters.changes == 2)
            #expect(counters.refused == 1)
            try await ledger.close()
        }
    }

    @Test("a record cannot be deleted while attachments are left, and nothing of that change is kept")
    func deleteWithAttachments() async throws {
        try await withLedgerFolder { folder in
            let ledger = try folder.open()
            let mountpoint = try Mountpoint("/mnt/a")
            try await ledger.commit(
                LedgerChange(
                    mountpoint: mountpoint, record: .set(Sample.record()),
                    add: [
                        Attachment(key: try Sample.key("one"), owner: 1),
                        Attachment(key: try Sample.key("two"), owner: 2),
                    ]))
            let before = try await ledger.load()
            await #expect(throws: MountError.self) {
                try await ledger.commit(
                    LedgerChange(mountpoint: mountpoint, record: .delete, remove: [try Sample.key("one")]))
            }
            #expect(try await ledger.load() == before)
            try await ledger.commit(
                LedgerChange(
                    mountpoint: mountpoint, record: .delete, remove: [try Sample.key("one"), try Sample.key("two")]))
            #expect(try await ledger.load() == LedgerContents())
            try await ledger.close()
        }
    }

    @Test("a change beyond the queue's bound is refused at once, and those in the queue are not")
    func boundedQueue() async throws {
        try await withLedgerFolder { folder in
            let gate = Gate(at: .begun)
            let ledger = try folder.open(steps: gate.steps, waitingLimit: 2)
            try await withThrowingTaskGroup { group in
                group.addTask { try await ledger.commit(try Sample.attach("/mnt/first", "first")) }
                await gate.waitForWriter()
                for number in 0..<2 {
                    group.addTask { try await ledger.commit(try Sample.attach("/mnt/\(number)", "\(number)")) }
                }
                while await ledger.waitingCount < 2 { await Task.yield() }
                let error = await #expect(throws: MountError.self) {
                    try await ledger.commit(try Sample.attach("/mnt/late", "late"))
                }
                #expect(error?.code == .resourceExhausted)
                gate.release()
                try await group.waitForAll()
            }
            #expect(try await ledger.load().consumers == ["first", "0", "1"])
            try await ledger.close()
        }
    }

    @Test("a text that would not come back as it was is refused")
    func refusesNUL() async throws {
        try await withLedgerFolder { folder in
            let ledger = try folder.open()
            var record = Sample.record()
            record.source = MountSource(type: FilesystemType(rawValue: "nfs"), source: "host:/a\0b", options: [])
            let change = LedgerChange(mountpoint: try Mountpoint("/mnt/a"), record: .set(record))
            let error = await #expect(throws: MountError.self) { try await ledger.commit(change) }
            #expect(error?.code == .invalidArgument)
            #expect(try await ledger.load() == LedgerContents())
            try await ledger.close()
        }
    }

    @Test("closing waits for what was accepted and refuses what comes later")
    func closing() async throws {
        try await withLedgerFolder { folder in
            let gate = Gate(at: .beforeCommit)
            let ledger = try folder.open(steps: gate.steps)
            try await withThrowingTaskGroup { group in
                group.addTask { try await ledger.commit(try Sample.attach("/mnt/a", "accepted")) }
                await gate.waitForWriter()
                group.addTask { try await ledger.close() }
                gate.release()
                try await group.waitForAll()
            }
            let late = await #expect(throws: MountError.self) {
                try await ledger.commit(try Sample.attach("/mnt/b", "late"))
            }
            #expect(late?.code == .unavailable)
            await #expect(throws: MountError.self) { _ = try await ledger.load() }
            try await ledger.close()
            #expect(try await folder.contents().consumers == ["accepted"])
        }
    }

    @Test("the cancellation of a caller does not end its commit")
    func cancelledCaller() async throws {
        try await withLedgerFolder { folder in
            let ledger = try folder.open()
            let caller = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                try await ledger.commit(try Sample.attach("/mnt/a", "cancelled"))
            }
            try await caller.value
            #expect(try await ledger.load().consumers == ["cancelled"])
            try await ledger.close()
        }
    }
}
