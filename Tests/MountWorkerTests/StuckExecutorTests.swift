// SPDX-License-Identifier: Apache-2.0

import CLinux
import Dispatch
import Filesystems
import Foundation
import Glibc
import LinuxMount
import MountModel
import MountTestSupport
import MountWorker
import Synchronization
import SystemPackage
import Testing

@testable import MountManager

/// What an executor makes of workers that are late, or cannot be killed.
@Suite(.serialized, .timeLimit(.minutes(1))) struct StuckExecutorTests {
    private struct Bench {
        let site: WorkerSite
        let operations: ScriptedOperations
        let executor: LinuxExecutor
        let place: Mountpoint

        func place(_ mount: consuming DetachedMount) throws -> MountID {
            MountID(rawValue: try site.place(mount, at: "data").rawValue)
        }

        /// What keeps it in use.
        func open() throws -> CInt {
            let user = Glibc.open(place.path.string, hf_o_path | O_CLOEXEC)
            try #require(user >= 0)
            return user
        }
    }

    /// Runs the body with an executor over scripted operations.
    private func withBench(
        _ policy: UnmountLadder.Policy = .park, _ body: @escaping @Sendable (Bench) async throws -> Void
    ) async throws {
        // The first sleep of a process opens a descriptor, and keeps it.
        try await Task.sleep(for: .milliseconds(1))
        try await WorkerSite.with { site in
            let operations = ScriptedOperations(MountOperations(root: site.root, parking: site.parking))
            var ladder = UnmountLadder()
            ladder.policy = policy
            let executor = LinuxExecutor(
                root: site.root, parking: site.parking, threads: 1, operations: operations, ladder: ladder)
            let place = try Mountpoint(site.root.path.appending("data").string)
            try await body(Bench(site: site, operations: operations, executor: executor, place: place))
            try await executor.shutDown()
        }
    }

    private func tmpfs() throws -> DetachedMount {
        var context = try FilesystemContext(type: "tmpfs")
        try context.create()
        return try context.mount(attributes: [.noSetUserID, .noDevices])
    }

    // MARK: - Unmounts

    @Test(arguments: [UnmountLadder.Policy.wait, .park])
    func `an unmount that is stuck ends the connection of its process, but not where it is to wait`(
        policy: UnmountLadder.Policy
    ) async throws {
        try await withBench(policy) { bench in
            let silent = try SilentFilesystem()
            let id = try bench.place(silent.mount())
            let worker = Held()
            bench.operations.before(.unmount) { _ in .stuck(worker.stuck) }
            // The turn that would abort it is over when another one of the same thread is.
            let unmounting = Task { await bench.executor.unmount(id, from: bench.place, rung: 0) }
            while bench.operations.count(.unmount) == 0 { await Task.yield() }
            _ = await bench.executor.examine(bench.place, expecting: id, of: Self.source)
            let answered = DispatchSemaphore(value: 0)
            let answer = Mutex<CInt>(0)
            Thread.detachNewThread { [path = bench.place.path] in
                var facts = statvfs()
                let errno = statvfs(path.string, &facts) == 0 ? 0 : errno
                answer.withLock { $0 = errno }
                answered.signal()
            }
            // Where the connection has ended there is no question.
            if policy == .wait { try silent.takeQuestion() } else { wait(for: answered) }
            _ = consume silent
            if policy == .wait { wait(for: answered) }
            #expect(answer.withLock { $0 } == (policy == .wait ? ECONNABORTED : ENOTCONN))
            worker.end()
            _ = await unmounting.value
            bench.operations.before(.unmount, nil)
            #expect(await bench.executor.unmount(id, from: bench.place, rung: 0).seen == .empty)
            try bench.site.root.target("data").removeFolder()
        }
    }

    @Test func `a mount in use that answers is busy, and one that does not is said to be silent, and what comes next`()
        async throws
    {
        try await withBench { bench in
            let id = try bench.place(tmpfs())
            let user = try bench.open()
            let busy = await bench.executor.unmount(id, from: bench.place, rung: 0)
            #expect(busy.problem?.hint?.contains("fuser") == true)
            #expect(busy.hungRung == nil)
            bench.operations.before(.probe) { _ in .late(.seconds(10)) }
            for (rung, next) in [(0, "made to fail now"), (1, "moved away now")] {
                let outcome = await bench.executor.unmount(id, from: bench.place, rung: rung)
                #expect(outcome.seen == .ours && outcome.hungRung == rung)
                #expect(outcome.problem?.code == .busy)
                #expect(outcome.problem?.message.contains("its filesystem has not answered within 10 s") == true)
                #expect(outcome.problem?.hint?.contains(next) == true)
                #expect(outcome.problem?.hint?.contains("fuser") == false)
            }
            // Nobody can ask: the first rung knows nothing of it, and the second is for those that were silent before.
            bench.operations.before(.probe) { _ in .tooManyStuck(128) }
            for (rung, hungRung) in [(0, nil), (1, 1)] {
                #expect(await bench.executor.unmount(id, from: bench.place, rung: rung).hungRung == hungRung)
            }
            close(user)
            #expect(await bench.executor.unmount(id, from: bench.place, rung: 0) == OperationOutcome(.empty))
            try bench.site.root.target("data").removeFolder()
        }
    }

    // MARK: - Mounts that were parked

    @Test func `what is about to be parked is nobody else's before it is`() async throws {
        try await withBench { bench in
            let id = try bench.place(tmpfs())
            let kernelID = KernelMountID(rawValue: id.rawValue)
            let user = try bench.open()
            let isEarly = Mutex(false)
            bench.operations.before(.unmount) { id in
                isEarly.withLock { $0 = bench.executor.isLeftParked(id) }
                return nil
            }
            #expect(await bench.executor.unmount(id, from: bench.place, rung: 2) == OperationOutcome(.empty))
            bench.operations.before(.unmount, nil)
            #expect(!isEarly.withLock { $0 })
            #expect(bench.executor.isLeftParked(kernelID))
            await bench.executor.endParked()
            #expect(bench.executor.isLeftParked(kernelID))
            #expect(bench.operations.ended == [kernelID])
            close(user)
            await bench.executor.endParked()
            #expect(!bench.executor.isLeftParked(kernelID))
            // An earlier daemon may have parked it.
            #expect(bench.operations.ended == [kernelID, kernelID])
            try bench.site.root.target("data").removeFolder()
        }
    }

    @Test func `one that is parked although its worker is late has left all the same`() async throws {
        try await withBench { bench in
            let id = try bench.place(tmpfs())
            let user = try bench.open()
            bench.operations.before(.unmount) { [site = bench.site] id in
                do throws(SystemCallError) {
                    _ = try site.root.target("data").park(id, in: site.parking)
                } catch {
                    Issue.record(error)
                }
                return .late(.seconds(60))
            }
            #expect(await bench.executor.unmount(id, from: bench.place, rung: 2).seen == .empty)
            #expect(bench.executor.isLeftParked(KernelMountID(rawValue: id.rawValue)))
            close(user)
            await bench.executor.endParked()
            try bench.site.root.target("data").removeFolder()
        }
    }

    @Test func `a parked mount whose end hangs keeps no other one, and is left alone until its worker has ended`()
        async throws
    {
        try await withBench { bench in
            var ids: [KernelMountID] = []
            for _ in 0..<2 {
                let id = try bench.place(tmpfs())
                let user = try bench.open()
                #expect(await bench.executor.unmount(id, from: bench.place, rung: 2).seen == .empty)
                close(user)
                ids.append(KernelMountID(rawValue: id.rawValue))
            }
            let (first, second) = (try #require(ids.min()), try #require(ids.max()))
            let worker = Held()
            bench.operations.before(.endParked) { $0 == first ? .stuck(worker.stuck) : nil }
            await bench.executor.endParked()
            #expect(bench.executor.isLeftParked(first) && !bench.executor.isLeftParked(second))
            await bench.executor.endParked()
            #expect(bench.operations.count(.endParked) == 2)
            bench.operations.before(.endParked, nil)
            worker.end()
            while bench.executor.isLeftParked(first) { await bench.executor.endParked() }
            try bench.site.root.target("data").removeFolder()
        }
    }

    @Test func `an attempt at a parked mount is interrupted when nobody waits for it`() async throws {
        try await withBench { bench in
            let id = try bench.place(tmpfs())
            let user = try bench.open()
            #expect(await bench.executor.unmount(id, from: bench.place, rung: 2).seen == .empty)
            close(user)
            bench.operations.before(.endParked) { _ in
                let deadline = ContinuousClock.now + .seconds(10)
                while !bench.operations.isEndParkedInterrupted, .now < deadline { sched_yield() }
                return bench.operations.isEndParkedInterrupted ? .ended : .late(.seconds(10))
            }
            let ending = Task { await bench.executor.endParked() }
            while bench.operations.count(.endParked) == 0 { await Task.yield() }
            ending.cancel()
            await ending.value
            #expect(bench.operations.isEndParkedInterrupted)
            bench.operations.before(.endParked, nil)
            await bench.executor.endParked()
            #expect(!bench.executor.isLeftParked(KernelMountID(rawValue: id.rawValue)))
            try bench.site.root.target("data").removeFolder()
        }
    }

    // MARK: - Helpers

    @Test func `the process of a mount that was forced is ended when the mount has left, and not before`() async throws
    {
        try await withBench { bench in
            let silent = try SilentFilesystem()
            let id = try bench.place(silent.mount())
            let user = try bench.open()
            let outcome = await bench.executor.unmount(id, from: bench.place, rung: 1)
            #expect(outcome.seen == .ours && outcome.hungRung == 1)
            #expect(bench.operations.ended == [])
            #expect(await bench.executor.unmount(id, from: bench.place, rung: 2) == OperationOutcome(.empty))
            #expect(bench.operations.ended == [KernelMountID(rawValue: id.rawValue)])
            close(user)
            await bench.executor.endParked()
            try bench.site.root.target("data").removeFolder()
            _ = consume silent
        }
    }

    // MARK: - Nothing goes on when an operation has ended

    @Test func `a deserted mount whose worker is stuck is looked at when that has ended`() async throws {
        try await withBench { bench in
            let silent = try SilentFilesystem()
            let id = try bench.place(silent.mount())
            let kernelID = KernelMountID(rawValue: id.rawValue)
            _ = consume silent
            bench.operations.desert(kernelID)
            let worker = Held()
            bench.operations.before(.unmount) { _ in .stuck(worker.stuck) }
            let inspecting = Task { await bench.executor.inspect(bench.place, expecting: id) }
            while bench.operations.count(.unmount) == 0 { await Task.yield() }
            // What the worker does at last.
            try #require(
                bench.site.root.target("data").unmountExactly(kernelID, parking: bench.site.parking) == .unmounted)
            worker.end()
            #expect(await inspecting.value.seen == .empty)
            try bench.site.root.target("data").removeFolder()
        }
    }

    @Test func `what was never placed is closed on no thread that others need`() async throws {
        let executors = ProcessInfo.processInfo.activeProcessorCount
        let (begun, go) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        try await withBench { bench in
            let lost = Mutex(false)
            bench.operations.before(.close) { _ in
                begun.signal()
                if go.wait(timeout: .now() + 10) == .timedOut { lost.withLock { $0 = true } }
                return nil
            }
            let source = MountSource(type: FilesystemType(rawValue: "tmpfs"), source: "none", options: [])
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<executors {
                    group.addTask {
                        do {
                            let executor = LinuxExecutor(
                                root: bench.site.root, parking: bench.site.parking, threads: 1,
                                operations: bench.operations)
                            _ = try await executor.build(source, for: bench.place)
                            try await executor.shutDown()
                        } catch {
                            Issue.record(error)
                        }
                    }
                }
                group.addTask {
                    while bench.operations.count(.close) < executors { await Task.yield() }
                    for _ in 0..<executors { go.signal() }
                }
            }
            #expect(!lost.withLock { $0 }, "nothing else went on meanwhile")
        }
    }

    private static let source = MountSource(type: FilesystemType(rawValue: "tmpfs"), source: "none", options: [])
}

/// A worker that is stuck until a test lets it end.
private final class Held: Sendable {
    let stuck: StuckWorker
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        self.continuation = continuation
        stuck = StuckWorker(limit: .seconds(60), end: Task { for await _ in stream {} })
    }

    func end() { continuation.finish() }
}

/// Blocks the thread for as long as the kernel takes to answer.
private func wait(for answered: DispatchSemaphore) { answered.wait() }
