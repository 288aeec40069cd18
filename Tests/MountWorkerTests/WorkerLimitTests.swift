// SPDX-License-Identifier: Apache-2.0

import CLinux
import Foundation
import Glibc
import LinuxMount
import MountModel
import MountTestSupport
import SystemPackage
import Testing

@testable import MountManager
@testable import MountWorker

/// How many workers there may be that cannot be killed, and how often one is tried.
@Suite(.serialized, .timeLimit(.minutes(1))) struct WorkerLimitTests {
    private static let patience = Duration.milliseconds(100)

    @Test func `what cannot be sent is refused, and its worker goes on`() throws {
        try WorkerSite.with { site in
            let pool = WorkerPool(site.program, limit: .seconds(30))
            let failure = #expect(throws: OperationFailure.self) {
                try pool.detect(FilePath("/" + String(repeating: "a", count: 200_000)), interrupt: nil)
            }
            guard case .refused(let error) = failure else {
                Issue.record("\(String(describing: failure))")
                return
            }
            #expect(error.call == "sendmsg" && error.errno.rawValue == EMSGSIZE)
            let found = try pool.detect("/", interrupt: nil)
            #expect(found == "folder")
            #expect(pool.counts == WorkerCounts(running: 1, stuck: 0, killed: 0))
            pool.close()
        }
    }

    @Test func `where too many are stuck nothing is begun but what may free them`() async throws {
        try await Task.sleep(for: .milliseconds(1))
        try await WorkerSite.with { site in
            let pool = WorkerPool(site.program, limit: .seconds(30), stuckLimit: 1)
            let silent = try SilentFilesystem()
            let id = try site.place(silent.mount(), at: "silent")
            let device = try #require(try MountTable.current.entry(id)).device
            let asked = Thread {
                do throws(OperationFailure) {
                    try pool.probe(id, at: "silent", within: Self.patience, interrupt: nil)
                } catch {
                    if case .stuck = error { return }
                    Issue.record(error)
                }
            }
            asked.start()
            try silent.takeQuestion()
            while !asked.isFinished { await Task.yield() }
            let failure = #expect(throws: OperationFailure.self) { try pool.detect("/", interrupt: nil) }
            #expect(failure == .tooManyStuck(1))
            let error = failure.map { MountError.operation("look at", "/", failed: $0) }
            #expect(error?.code == .resourceExhausted)
            #expect(error?.message == "cannot look at /: 1 workers wait in the kernel, and no signal ends them")
            #expect(try pool.unmount(id, from: "silent", by: .exactly, lock: nil) == .busy)
            try WorkerSite.connection(of: device).abort()
            while pool.counts.stuck > 0 { await Task.yield() }
            #expect(try pool.detect("/", interrupt: nil) == "folder")
            #expect(try pool.unmount(id, from: "silent", by: .exactly, lock: nil) == .unmounted)
            try site.root.target("silent").removeFolder()
            _ = consume silent
            pool.close()
        }
    }

    @Test func `a filesystem that never answers costs one worker, however often its unmount is tried`() async throws {
        try await Task.sleep(for: .milliseconds(1))
        try await WorkerSite.with { site in
            let pool = WorkerPool(site.program, limit: .seconds(30))
            var ladder = UnmountLadder()
            ladder.policy = .wait
            ladder.patience = Self.patience
            let executor = LinuxExecutor(
                root: site.root, parking: site.parking, threads: 1, operations: pool, ladder: ladder)
            let silent = try SilentFilesystem()
            let place = try Mountpoint(site.root.path.appending("silent").string)
            let id = MountID(rawValue: try site.place(silent.mount(), at: "silent").rawValue)
            let user = open(place.path.string, hf_o_path | O_CLOEXEC)
            try #require(user >= 0)
            let first = Task { await executor.unmount(id, from: place, rung: 0) }
            try silent.takeQuestion()
            #expect(await first.value.hungRung == 0)
            for _ in 0..<3 { #expect(await executor.unmount(id, from: place, rung: 0).hungRung == 0) }
            let probe = await executor.probe(id, at: place, within: .seconds(30))
            #expect(probe.answer == .silent && probe.rest != nil)
            #expect(pool.counts.stuck == 1 && pool.counts.killed == 1)
            // It answers, with an error, and is asked again.
            _ = consume silent
            while pool.counts.stuck > 0 { await Task.yield() }
            await probe.rest?.value
            close(user)
            var outcome = await executor.unmount(id, from: place, rung: 0)
            while outcome.seen == .ours { outcome = await executor.unmount(id, from: place, rung: 0) }
            #expect(outcome == OperationOutcome(.empty))
            try site.root.target("silent").removeFolder()
            try await executor.shutDown()
            pool.close()
        }
    }

    @Test func `one that cannot be killed is not waited for any longer when nobody wants its answer`() async throws {
        try await Task.sleep(for: .milliseconds(1))
        try await WorkerSite.with { site in
            let limit = Duration.seconds(30)
            let pool = WorkerPool(site.program, limit: limit)
            let silent = try SilentFilesystem()
            let id = try site.place(silent.mount(), at: "silent")
            let device = try #require(try MountTable.current.entry(id)).device
            let interrupt = OperationInterrupt()
            let asked = Thread {
                let failure = #expect(throws: OperationFailure.self) {
                    try pool.probe(id, at: "silent", within: limit, interrupt: interrupt)
                }
                if case .stuck = failure { return }
                Issue.record("\(String(describing: failure))")
            }
            asked.start()
            try silent.takeQuestion()
            let raised = ContinuousClock.now
            interrupt.raise()
            while !asked.isFinished { await Task.yield() }
            #expect(raised.duration(to: .now) < limit)
            #expect(pool.counts.stuck == 1)
            try WorkerSite.connection(of: device).abort()
            while pool.counts.stuck > 0 { await Task.yield() }
            #expect(try pool.unmount(id, from: "silent", by: .exactly, lock: nil) == .unmounted)
            try site.root.target("silent").removeFolder()
            _ = consume silent
            pool.close()
        }
    }

    @Test func `each question to a worker has the deadline to itself`() async throws {
        try await Task.sleep(for: .milliseconds(1))
        try await WorkerSite.with { site in
            let pool = WorkerPool(site.program, limit: .seconds(30))
            let executor = LinuxExecutor(root: site.root, parking: site.parking, threads: 1, operations: pool)
            let progress = OperationProgress()
            let isRunning = try await OperationProgress.$current.withValue(progress) {
                try await executor.onThread(of: .table) { () -> [Bool] in
                    let before = ContinuousClock.now
                    let atFirst = progress.isRunning(sinceBefore: before)
                    do throws(OperationFailure) { _ = try pool.detect("/", interrupt: nil) } catch { return [] }
                    return [atFirst, progress.isRunning(sinceBefore: before)]
                }.get()
            }
            #expect(isRunning == [true, false])
            try await executor.shutDown()
            pool.close()
        }
    }

    @Test func `a connection that was opened ends no other filesystem than its own`() throws {
        try WorkerSite.with { site in
            // The kernel gives the lowest number that is free; somebody else may be faster.
            var isTried = false
            for _ in 0..<100 where !isTried { isTried = try abortAfterItsNumberWasGivenAgain(site) }
            #expect(isTried)
        }
    }

    /// - Returns: whether it was.
    private func abortAfterItsNumberWasGivenAgain(_ site: WorkerSite) throws -> Bool {
        let first = try SilentFilesystem()
        let id = try site.place(first.mount(), at: "first")
        let device = try #require(try MountTable.current.entry(id)).device
        let connection = try WorkerSite.connection(of: device)
        try site.end(id, at: "first")
        _ = consume first
        let second = try SilentFilesystem()
        let other = try site.place(second.mount(), at: "second")
        let isGivenAgain = try MountTable.current.entry(other)?.device == device
        try connection.abort()
        let asked = Thread { [path = site.root.path.appending("second").string] in
            var facts = statvfs()
            _ = statvfs(path, &facts)
        }
        asked.start()
        try second.takeQuestion()
        _ = consume second
        while !asked.isFinished { usleep(1_000) }
        try site.end(other, at: "second")
        return isGivenAgain
    }
}
