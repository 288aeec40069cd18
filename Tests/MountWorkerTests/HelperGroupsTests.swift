// SPDX-License-Identifier: Apache-2.0

import Foundation
import LinuxMount
import MountModel
import MountTestSupport
import Synchronization
import SystemPackage
import Testing

@testable import MountManager

/// The control groups of helper programs, with real processes in them.
@Suite(.serialized, .timeLimit(.minutes(1))) struct HelperGroupsTests {
    private let name = "groups-test-\(getpid())"
    /// Of no mount that there is.
    private static let id = KernelMountID(rawValue: 1 << 40)

    /// A process in the group, which ends by being killed only.
    private func sleeper(in group: ControlGroup) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", "echo 0 >\(group.path)/cgroup.procs && exec sleep 600"]
        try process.run()
        while try group.processes().isEmpty { sched_yield() }
        return process
    }

    private func waitForEnd(of process: Process) throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while process.isRunning {
            try #require(ContinuousClock.now < deadline, "it was not killed")
            usleep(1_000)
        }
    }

    private func isThere(_ group: ControlGroup) -> Bool { access(group.path.string, F_OK) == 0 }

    @Test func `those who begin at once take no group from each other`() throws {
        let groups = try HelperGroups(named: name)
        let failures = Mutex<[String]>([])
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for _ in 0..<50 {
                do {
                    let group = try groups.begin()
                    sched_yield()
                    if !isThere(group) { failures.withLock { $0.append("\(group.path) is gone") } }
                    groups.end(group, serving: nil, needsProcess: true)
                } catch {
                    failures.withLock { $0.append("\(error)") }
                }
            }
        }
        #expect(failures.withLock { $0 } == [])
        groups.close()
    }

    @Test func `a group is killed with its operation unless a mount came of it`() throws {
        let groups = try HelperGroups(named: name)
        let failed = try groups.begin()
        let mounted = try groups.begin()
        #expect(failed != mounted)
        let (ended, serving) = (try sleeper(in: failed), try sleeper(in: mounted))
        groups.end(failed, serving: nil, needsProcess: true)
        try waitForEnd(of: ended)
        #expect(ended.terminationReason == .uncaughtSignal && ended.terminationStatus == SIGKILL)
        groups.end(mounted, serving: Self.id, needsProcess: true)
        // The next one takes away what is empty, and nothing else.
        let next = try groups.begin()
        #expect(!isThere(failed))
        #expect(serving.isRunning && isThere(mounted))
        // Nor does another daemon: the process is in no nursery.
        let other = try HelperGroups(named: name)
        #expect(!isThere(next))
        #expect(serving.isRunning)
        other.close()
        #expect(isThere(mounted))
        try mounted.kill()
        try waitForEnd(of: serving)
        other.close()
        #expect(!isThere(mounted))
        #expect(try !ControlGroup.all(in: ControlGroup.own()).contains { $0.path.lastComponent?.string == name })
    }

    @Test func `a group that was begun is nobody else's, empty or not`() throws {
        let groups = try HelperGroups(named: name)
        let begun = try groups.begin()
        try groups.sweep()
        #expect(isThere(begun))
        groups.end(begun, serving: nil, needsProcess: true)
        groups.close()
        #expect(!isThere(begun))
    }

    @Test func `a number that an earlier daemon's group has is passed over`() throws {
        let first = try HelperGroups(named: name)
        let taken = try first.begin()
        let serving = try sleeper(in: taken)
        let second = try HelperGroups(named: name)
        let other = try second.begin()
        #expect(other != taken)
        second.end(other, serving: nil, needsProcess: true)
        try taken.kill()
        try waitForEnd(of: serving)
        second.close()
    }

    @Test func `who has a cache is known to another daemon too, for as long as a process lives`() throws {
        let caches = ["/var/cache/holdfast/a1", "/var/cache/holdfast/b1"].map { FilePath($0) }
        let groups = try HelperGroups(named: name)
        #expect(try groups.user(ofCache: caches[0]) == nil)
        let group = try groups.begin(cache: caches[0])
        #expect(try groups.user(ofCache: caches[0]) == nil)
        let serving = try sleeper(in: group)
        let other = try HelperGroups(named: name)
        #expect(try other.user(ofCache: caches[0]) == group)
        #expect(try other.user(ofCache: caches[1]) == nil)
        groups.end(group, serving: nil, needsProcess: true)
        try waitForEnd(of: serving)
        while try group.isPopulated { sched_yield() }
        #expect(try other.user(ofCache: caches[0]) == nil)
        groups.close()
        other.close()
    }

    @Test func `the end of the last process is told at once, and known to who was not there`() async throws {
        let groups = try HelperGroups(named: name)
        let group = try groups.begin()
        let serving = try sleeper(in: group)
        groups.end(group, serving: Self.id, needsProcess: true)
        #expect(!groups.isDeserted(Self.id) && !groups.isDeserted(KernelMountID(rawValue: 7)))
        let (told, continuation) = AsyncStream.makeStream(of: KernelMountID.self)
        let watching = Task { await groups.watchDeserted { continuation.yield($0) } }
        try group.kill()
        var first = told.makeAsyncIterator()
        #expect(await first.next() == Self.id)
        try waitForEnd(of: serving)
        #expect(groups.isDeserted(Self.id))
        watching.cancel()
        await watching.value
        // An empty group is kept for its mount, which may be about to get its place.
        try groups.sweep()
        #expect(isThere(group))
        groups.close()
        #expect(!isThere(group))
    }

    @Test func `a group bears its mount's id as long as it is there`() throws {
        let groups = try HelperGroups(named: name)
        let group = try groups.begin()
        let serving = try sleeper(in: group)
        groups.end(group, serving: Self.id, needsProcess: true)
        let later = try HelperGroups(named: name)
        #expect(!later.isDeserted(Self.id))
        later.kill(serving: Self.id)
        try waitForEnd(of: serving)
        #expect(later.isDeserted(Self.id))
        later.close()
        #expect(!isThere(group))
    }

    @Test func `who lives on after his mount is named until he has ended`() throws {
        let groups = try HelperGroups(named: name)
        let group = try groups.begin()
        let serving = try sleeper(in: group)
        groups.end(group, serving: Self.id, needsProcess: true)
        // Its mount may still be about to get its place.
        #expect(try groups.left() == [:])
        let later = try HelperGroups(named: name)
        #expect(try later.left() == [Self.id: group])
        try group.kill()
        try waitForEnd(of: serving)
        #expect(try later.left() == [:])
        later.close()
    }

    @Test func `whose process ended before its operation is known as deserted, and what needs none is not`() throws {
        let groups = try HelperGroups(named: name)
        let served = try groups.begin()
        groups.end(served, serving: Self.id, needsProcess: true)
        #expect(isThere(served) && groups.isDeserted(Self.id))
        // The kernel has given the id again, to a mount of another type: the first one's group is not its own.
        let mounted = try groups.begin()
        groups.end(mounted, serving: Self.id, needsProcess: false)
        #expect(!groups.isDeserted(Self.id))
        try groups.sweep()
        #expect(!isThere(mounted))
        groups.close()
        #expect(!isThere(served))
    }
}
