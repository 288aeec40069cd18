// SPDX-License-Identifier: Apache-2.0

import CLinux
import Filesystems
import Foundation
import LinuxMount
import MountModel
import MountTestSupport
import Synchronization
import SystemPackage
import Testing

@testable import MountManager
@testable import MountWorker

/// Real workers, as the daemon has them.
@Suite(.serialized, .timeLimit(.minutes(1))) struct WorkerPoolTests {
    private func withPool(
        limit: Duration = .seconds(30), _ body: (WorkerSite, WorkerPool) throws -> Void
    ) throws {
        try WorkerSite.with { site in
            let pool = WorkerPool(site.program, limit: limit)
            try body(site, pool)
            pool.close()
            #expect(pool.counts.running == 0)
        }
    }

    private func build(_ pool: WorkerPool, _ recipe: MountRecipe) throws(OperationFailure) -> DetachedMount {
        try pool.build(recipe, lock: OperationLock(rawValue: 1), interrupt: nil)
    }

    @Test func `one worker does one operation after the other`() throws {
        try withPool { site, pool in
            #expect(pool.counts == WorkerCounts())
            let id = try site.place(try build(pool, WorkerSite.recipe("tmpfs")), at: "data")
            #expect(try pool.unmount(id, from: "data", by: .exactly, lock: OperationLock(rawValue: 1)) == .unmounted)
            #expect(try pool.detect("/", interrupt: nil) == "folder")
            try site.root.target("data").removeFolder()
            #expect(pool.counts == WorkerCounts(running: 1, stuck: 0, killed: 0))
        }
    }

    @Test func `one that is late is killed, and the next operation has another`() throws {
        let limit = Duration.milliseconds(300)
        try withPool(limit: limit) { site, pool in
            try site.withSilentSource { path in
                let before = try OwnProcesses.children()
                let failure = #expect(throws: OperationFailure.self) {
                    _ = try build(pool, WorkerSite.recipe("ext4", .image(path, readOnly: true)))
                }
                #expect(failure == .late(limit))
                #expect(pool.counts == WorkerCounts(running: 0, stuck: 0, killed: 1))
                #expect(try OwnProcesses.children() == before)
                _ = try build(pool, WorkerSite.recipe("tmpfs"))
                #expect(pool.counts == WorkerCounts(running: 1, stuck: 0, killed: 1))
            }
        }
    }

    @Test func `one that was killed while it was idle is replaced`() throws {
        try withPool { site, pool in
            let before = try OwnProcesses.children()
            #expect(try pool.detect("/", interrupt: nil) == "folder")
            let worker = try #require(try OwnProcesses.children().subtracting(before).first)
            let image = site.image
            kill(worker, SIGKILL)
            while try !isZombie(worker) { sched_yield() }
            // With a descriptor, which must come back from the one that did not hear.
            let mount = try MountOperations(root: site.root, parking: site.parking).build(
                WorkerSite.recipe("ext4", .image(image, readOnly: false)), lock: nil, interrupt: nil)
            try pool.close(mount.releaseDescriptor())
            try site.waitUntilReleased(image)
            #expect(try !OwnProcesses.children().contains(worker))
            #expect(pool.counts == WorkerCounts(running: 1, stuck: 0, killed: 1))
        }
    }

    private func isZombie(_ process: Int32) throws -> Bool {
        try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8).contains(") Z ")
    }

    @Test func `a mount that was never placed is closed by a worker`() throws {
        try withPool { site, pool in
            let image = site.image
            let mount = try build(pool, WorkerSite.recipe("ext4", .image(image, readOnly: false)))
            #expect(try LoopDevice.devices(backing: image).count == 1)
            try pool.close(mount.releaseDescriptor())
            try site.waitUntilReleased(image)
            #expect(pool.counts == WorkerCounts(running: 1, stuck: 0, killed: 0))
        }
    }

    @Test func `an interrupt kills the worker at once, before or while it acts`() throws {
        try withPool { site, pool in
            try site.withSilentSource { path in
                let recipe = WorkerSite.recipe("ext4", .image(path, readOnly: true))
                let locks = try site.locks()
                let lock = OperationLock(rawValue: 3)
                for isEarly in [true, false] {
                    let interrupt = OperationInterrupt()
                    let thread = Thread {
                        do throws(SystemCallError) {
                            while isEarly == false, try locks.isHeld(lock) == false { sched_yield() }
                        } catch {
                            Issue.record(error)
                        }
                        interrupt.raise()
                    }
                    thread.start()
                    let failure = #expect(throws: OperationFailure.self) {
                        _ = try pool.build(recipe, lock: lock, interrupt: interrupt)
                    }
                    #expect(failure == .ended)
                    #expect(interrupt.isRaised)
                    #expect(pool.counts.running == 0)
                }
            }
        }
    }

    @Test func `operations at once have a worker each`() throws {
        try withPool { site, pool in
            let group = DispatchGroup()
            let go = DispatchSemaphore(value: 0)
            for number in 0..<8 {
                Thread.detachNewThread {
                    group.enter()
                    go.signal()
                    defer { group.leave() }
                    do throws(OperationFailure) {
                        for _ in 0..<10 {
                            _ = try pool.build(
                                WorkerSite.recipe("tmpfs"), lock: OperationLock(rawValue: UInt64(number)),
                                interrupt: nil)
                        }
                    } catch {
                        Issue.record(error)
                    }
                }
            }
            for _ in 0..<8 { go.wait() }
            group.wait()
            #expect((1...8).contains(pool.counts.running))
            #expect(pool.counts.killed == 0)
        }
    }

    @Test func `a program that is none is a refusal`() throws {
        try WorkerSite.with { site in
            let pool = WorkerPool(try WorkerProgram(path: site.image, arguments: []), limit: .seconds(1))
            let failure = #expect(throws: OperationFailure.self) { try pool.detect("/", interrupt: nil) }
            guard case .refused(let error) = failure else {
                Issue.record("\(String(describing: failure))")
                return
            }
            #expect(error.errno == .permissionDenied)
            #expect(error.description.contains(site.image.string))
        }
    }

    @Test func `one that cannot be killed is counted, holds nobody up, and is freed by the connection's abort`()
        async throws
    {
        let limit = Duration.milliseconds(100)
        let stuck = StuckBox()
        // The first sleep of a process opens a descriptor, and keeps it.
        try await Task.sleep(for: .milliseconds(1))
        try withPool { site, pool in
            let silent = try SilentFilesystem()
            let id = try site.place(silent.mount(), at: "silent")
            let device = try #require(try MountTable.current.entry(id)).device
            let before = try OwnProcesses.children()
            let asked = Thread {
                do throws(OperationFailure) {
                    try pool.probe(id, at: "silent", within: limit, interrupt: nil)
                } catch {
                    if case .stuck(let worker) = error { stuck.worker = worker }
                }
            }
            asked.start()
            try silent.takeQuestion()
            while !asked.isFinished { usleep(1_000) }
            let worker = try #require(stuck.worker)
            #expect(worker.limit == limit)
            #expect(pool.counts == WorkerCounts(running: 1, stuck: 1, killed: 1))
            let process = try #require(try OwnProcesses.children().subtracting(before).first)
            #expect(try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8).contains(") D "))
            // Others go on.
            #expect(try pool.detect("/", interrupt: nil) == "folder")
            #expect(try pool.unmount(id, from: "silent", by: .exactly, lock: nil) == .busy)
            try WorkerSite.connection(of: device).abort()
            while pool.counts.stuck > 0 { usleep(1_000) }
            let refusal = #expect(throws: OperationFailure.self) {
                try pool.probe(id, at: "silent", within: .seconds(30), interrupt: nil)
            }
            #expect(refusal?.errno == .socketNotConnected)
            #expect(try pool.unmount(id, from: "silent", by: .exactly, lock: nil) == .unmounted)
            #expect(throws: SystemCallError.self) { _ = try WorkerSite.connection(of: device) }
            try site.root.target("silent").removeFolder()
            _ = consume silent
        }
        await stuck.worker?.end.value
    }

    @Test func `a mount whose filesystem does not answer is unmounted by force, parked, or detached`() throws {
        try withPool { site, pool in
            for means in [UnmountMeans.force, .park, .detach] {
                let silent = try SilentFilesystem()
                let id = try site.place(silent.mount(), at: "silent")
                let user = open(site.root.path.appending("silent").string, hf_o_path | O_CLOEXEC)
                try #require(user >= 0)
                #expect(try pool.unmount(id, from: "silent", by: .exactly, lock: nil) == .busy)
                let outcome = try pool.unmount(id, from: "silent", by: means, lock: nil)
                switch means {
                case .exactly, .force:
                    // Its user has not left.
                    #expect(outcome == .busy)
                    #expect(try site.root.target("silent").topmost() == .mount(id))
                case .park:
                    #expect(outcome == .parked)
                    #expect(try site.root.target("silent").topmost() == .folder)
                    #expect(try pool.endParked(id, interrupt: nil) == .parked)
                case .detach:
                    #expect(outcome == .unmounted)
                    #expect(try MountTable.current.entry(id) == nil)
                }
                close(user)
                switch means {
                case .exactly, .force:
                    #expect(try pool.unmount(id, from: "silent", by: .force, lock: nil) == .unmounted)
                case .park: #expect(try pool.endParked(id, interrupt: nil) == .unmounted)
                case .detach: break
                }
                try site.root.target("silent").removeFolder()
                _ = consume silent
            }
        }
    }
}

/// The worker that a thread of the test was left with.
private final class StuckBox: Sendable {
    private let stuck = Mutex<StuckWorker?>(nil)

    var worker: StuckWorker? {
        get { stuck.withLock { $0 } }
        set { stuck.withLock { $0 = newValue } }
    }
}

extension OperationFailure {
    /// Why the kernel refused.
    fileprivate var errno: Errno? { if case .refused(let error) = self { error.errno } else { nil } }
}
