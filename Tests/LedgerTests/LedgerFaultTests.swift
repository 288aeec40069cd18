// SPDX-License-Identifier: Apache-2.0

import Glibc
import MountModel
import SystemPackage
import Testing

@testable import Ledger

@Suite("A ledger whose disk reports errors")
struct LedgerFaultTests {
    @Test("a commit whose sync failed is in the log until it is overwritten, and gone when the failure is reported")
    func failedSync() async throws {
        try FaultingFileSystem.install()
        try await withLedgerFolder { folder in
            let copies = Locked<[LedgerSteps.Step: LedgerFolder]>([:])
            let ledger = try folder.open(
                steps: LedgerSteps { step in
                    guard step == .beforeOverwrite || step == .afterOverwrite else { return }
                    do {
                        let copy = try folder.copy()
                        copies.with { $0[step] = copy }
                    } catch {
                        Issue.record(error)
                    }
                })
            try await ledger.commit(try Sample.attach("/mnt/a", "earlier"))
            FaultingFileSystem.plan(.init(syncs: 1), forLedger: folder.file.string)
            let error = await #expect(throws: MountError.self) {
                try await ledger.commit(try Sample.attach("/mnt/b", "failed", fullSync: true))
            }
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains("SQLite code 1034") == true, "\(error?.message ?? "")")

            let before = try #require(copies.with { $0[.beforeOverwrite] })
            #expect(try await before.contents().consumers == ["earlier", "failed"], "the danger that this is about")
            let after = try #require(copies.with { $0[.afterOverwrite] })
            #expect(try await after.contents().consumers == ["earlier"])
            try before.remove()
            try after.remove()

            try await ledger.commit(try Sample.attach("/mnt/c", "later", fullSync: true))
            #expect(try await ledger.load().consumers == ["earlier", "later"])
            #expect(await ledger.counters.overwrites == 1)
            try await ledger.close()
            #expect(try await folder.contents().consumers == ["earlier", "later"])
        }
    }

    @Test("a full sync happens even where nothing changes, and an ordinary commit waits for none")
    func fullSyncOfNothing() async throws {
        try FaultingFileSystem.install()
        try await withLedgerFolder { folder in
            let ledger = try folder.open()
            FaultingFileSystem.plan(.init(syncs: 1), forLedger: folder.file.string)
            let change = try Sample.attach("/mnt/a", "a")
            try await ledger.commit(change)
            var again = change
            again.fullSync = true
            let error = await #expect(throws: MountError.self) { try await ledger.commit(again) }
            #expect(error?.code == .unavailable)
            try await ledger.commit(again)
            #expect(await ledger.counters.fullSyncs == 1)
            try await ledger.close()
        }
    }

    @Test("each write of a commit may fail: the change is gone, its neighbours stay", arguments: 1...4)
    func failedWrite(failures: Int) async throws {
        try FaultingFileSystem.install()
        try await withLedgerFolder { folder in
            let ledger = try folder.open()
            try await ledger.commit(try Sample.attach("/mnt/a", "earlier"))
            for round in 0..<failures {
                FaultingFileSystem.plan(.init(writes: 1), forLedger: folder.file.string)
                let error = await #expect(throws: MountError.self) {
                    try await ledger.commit(try Sample.attach("/mnt/b", "failed \(round)"))
                }
                #expect(error?.code == .unavailable)
                try await ledger.commit(try Sample.attach("/mnt/c", "later \(round)"))
            }
            let expected = Set(["earlier"] + (0..<failures).map { "later \($0)" })
            #expect(try await ledger.load().consumers == expected)
            let copy = try folder.copy()
            #expect(try await copy.contents().consumers == expected)
            try copy.remove()
            try await ledger.close()
        }
    }

    @Test("when the overwriting fails as well, the process ends without an answer")
    func indefinite() async throws {
        try await withLedgerFolder { folder in
            let path = folder.path.string
            await #expect(processExitsWith: .exitCode(70)) { [path = path as String] in
                try FaultingFileSystem.install()
                let ledger = try SQLiteLedger.open(at: FilePath(path))
                try await ledger.commit(try Sample.attach("/mnt/a", "earlier"))
                FaultingFileSystem.plan(.init(syncs: 2), forLedger: path + "/ledger.sqlite")
                do {
                    try await ledger.commit(try Sample.attach("/mnt/b", "in doubt", fullSync: true))
                } catch {}
                exit(1)
            }
            let stored = try await folder.contents().consumers
            #expect(stored.contains("earlier"))
        }
    }

    @Test("the injected stop is told both failures")
    func injectedStop() async throws {
        try await withLedgerFolder { folder in
            let path = folder.path.string
            await #expect(processExitsWith: .exitCode(3)) { [path = path as String] in
                try FaultingFileSystem.install()
                let ledger = try SQLiteLedger.open(at: FilePath(path)) { error in
                    let isBoth = error.message.contains("1034") && error.cleanupFailures.first?.contains("1034") == true
                    _exit(isBoth ? 3 : 4)
                }
                FaultingFileSystem.plan(.init(syncs: 2), forLedger: path + "/ledger.sqlite")
                try await ledger.commit(try Sample.attach("/mnt/b", "in doubt", fullSync: true))
            }
        }
    }
}
