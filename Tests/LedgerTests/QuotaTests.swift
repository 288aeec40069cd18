// SPDX-License-Identifier: Apache-2.0

import MountModel
import SystemPackage
import Testing

@testable import Ledger

@Suite("A ledger whose quota is used up")
struct QuotaTests {
    @Test("each write of a change may be beyond the quota: the change fails, the process and its neighbours do not")
    func everyWrite() async throws {
        await #expect(processExitsWith: .success) {
            try FaultingSystemCalls.install()
            try await withLedgerFolder { folder in
                let ledger = try folder.open()
                try await ledger.commit(try Sample.attach("/mnt/a", "earlier"))
                var expected: Set<String> = ["earlier"]
                var number = 0
                var isOver = false
                while !isOver {
                    let change = try Sample.attach("/mnt/b", "change \(number)", fullSync: true)
                    FaultingSystemCalls.plan(.init(writesBefore: number, writes: .max))
                    do throws(MountError) {
                        try await ledger.commit(change)
                        expected.insert("change \(number)")
                        isOver = true
                    } catch {
                        #expect(error.code == .resourceExhausted, "write \(number): \(error)")
                        #expect(error.message.contains("SQLite code 13"), "write \(number): \(error)")
                    }
                    FaultingSystemCalls.plan(.init())
                    #expect(try await ledger.load().consumers == expected, "write \(number)")
                    // What a crash now would leave.
                    let copy = try folder.copy()
                    #expect(try await copy.contents().consumers == expected, "write \(number)")
                    try copy.remove()
                    try await ledger.commit(try Sample.attach("/mnt/c", "after \(number)"))
                    expected.insert("after \(number)")
                    number += 1
                }
                #expect(number > 4)
                #expect(await ledger.counters.overwrites == 0)
                try await ledger.close()
                #expect(try await folder.contents().consumers == expected)
            }
        }
    }

    @Test("a ledger is opened while its quota is used up, and refuses changes one by one")
    func opening() async throws {
        await #expect(processExitsWith: .success) {
            try FaultingSystemCalls.install()
            try await withLedgerFolder { folder in
                let first = try folder.open()
                try await first.commit(try Sample.attach("/mnt/a", "earlier"))
                let crashed = try folder.copy()
                try await first.close()
                FaultingSystemCalls.plan(.init(writes: .max))
                let ledger = try crashed.open()
                #expect(try await ledger.load().consumers == ["earlier"])
                let change = try Sample.attach("/mnt/b", "late")
                let error = await #expect(throws: MountError.self) { try await ledger.commit(change) }
                #expect(error?.code == .resourceExhausted)
                FaultingSystemCalls.plan(.init())
                try await ledger.commit(change)
                try await ledger.close()
                #expect(try await crashed.contents().consumers == ["earlier", "late"])
                try crashed.remove()
            }
        }
    }
}
