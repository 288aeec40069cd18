// SPDX-License-Identifier: Apache-2.0

import Filesystems
import Foundation
import LinuxMount
import MountModel
import MountTestSupport
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
            #expect(try pool.unmount(id, from: "data", lock: OperationLock(rawValue: 1)) == .unmounted)
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

    @Test func `a program that is not there is a refusal`() throws {
        try WorkerSite.with { site in
            let pool = WorkerPool(
                WorkerProgram(path: site.folder.appending("none"), arguments: []), limit: .seconds(1))
            let failure = #expect(throws: OperationFailure.self) { try pool.detect("/", interrupt: nil) }
            guard case .refused(let error) = failure else {
                Issue.record("\(String(describing: failure))")
                return
            }
            #expect(error.errno == .noSuchFileOrDirectory)
        }
    }
}
