// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import Glibc
import MountModel
import MountTestSupport
import SystemPackage
import Testing

@testable import Ledger

@Suite("A ledger whose process is killed")
struct LedgerCrashTests {
    @Test(
        "at each step the files hold all that was acknowledged and nothing that was not committed",
        arguments: [11, 12] as [UInt64])
    func everyStep(seed: UInt64) async throws {
        try await withLedgerFolder { folder in
            let copies = Locked<[(step: LedgerSteps.Step, copy: LedgerFolder)]>([])
            let ledger = try folder.open(
                steps: LedgerSteps { step in
                    do {
                        let copy = try folder.copy()
                        copies.with { $0.append((step, copy)) }
                    } catch {
                        Issue.record(error)
                    }
                })
            var model = LedgerModel(seed: seed)
            for _ in 0..<30 {
                let before = model.contents
                let change = try model.change(at: try Mountpoint("/mnt/a"))
                let isAllowed = model.apply(change)
                do {
                    try await ledger.commit(change)
                    #expect(isAllowed)
                } catch {
                    #expect(!isAllowed, "\(error)")
                }
                let taken = copies.with { copies in
                    defer { copies = [] }
                    return copies
                }
                #expect(taken.map(\.step) == [.begun, .beforeCommit, .afterCommit])
                for (step, copy) in taken {
                    let expected = step == .afterCommit ? model.contents : before
                    #expect(try await copy.contents() == expected, "seed \(seed), \(step), \(change)")
                    try copy.remove()
                }
            }
            try await ledger.close()
        }
    }

    @Test("after a kill at any moment, all that was acknowledged is there", arguments: Array(1...8) as [UInt64])
    func killed(seed: UInt64) async throws {
        try await withLedgerFolder { folder in
            let path = folder.path.string
            await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, seed = seed as UInt64] in
                try await writeUntilKilled(in: FilePath(path), seed: seed)
            }
            let acknowledged = try Set(
                String(contentsOfFile: path + "/acknowledged", encoding: .utf8).split(separator: "\n").map(String.init))
            #expect(!acknowledged.isEmpty)
            let stored = try await folder.contents().consumers
            #expect(acknowledged.subtracting(stored).isEmpty, "seed \(seed)")
            #expect(stored.count <= acknowledged.count + 16, "seed \(seed): at most one more for each writer")
        }
    }
}

/// Sixteen writers, each of which notes what was acknowledged; a thread kills the process at a moment that the seed and
/// the scheduler decide.
private func writeUntilKilled(in folder: FilePath, seed: UInt64) async throws {
    var generator = SeededGenerator(seed: seed)
    let quota = Int.random(in: 1..<500, using: &generator)
    let spins = Int.random(in: 0..<200_000, using: &generator)
    let ledger = try SQLiteLedger.open(at: folder)
    let log = try FileDescriptor.open(
        folder.appending("acknowledged"), .writeOnly, options: [.create, .append, .closeOnExec],
        permissions: [.ownerReadWrite])
    let count = Locked(0)
    try await withThrowingTaskGroup { group in
        for writer in 0..<16 {
            group.addTask {
                for number in 0... {
                    let name = "\(writer)-\(number)"
                    try await ledger.commit(try Sample.attach("/mnt/\(writer)", name, fullSync: number % 8 == 0))
                    try log.writeAll(Data((name + "\n").utf8))
                    let isLast = count.with { count in
                        count += 1
                        return count == quota
                    }
                    guard isLast else { continue }
                    DispatchQueue.global().async {
                        var noise = SeededGenerator(seed: seed)
                        for _ in 0..<spins { _ = noise.next() }
                        kill(getpid(), SIGKILL)
                    }
                }
            }
        }
        try await group.waitForAll()
    }
}
