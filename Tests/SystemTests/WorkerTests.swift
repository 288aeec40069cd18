// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import LinuxMount
import MountTestSupport
import Synchronization
import SystemPackage
import Testing

extension RealDaemon {
    /// What workers are for, and what a daemon's workers mean to the next daemon.
    @Suite struct Workers {
        @Test func aSourceThatHangsCostsOneWorkerAndOneDeadline() throws {
            try TestHost.run(start: false) { host in
                try host.startDaemon(settings: "operation_deadline_seconds = 1")
                let source = try SilentSource(in: host.folder)
                let problem = try host.attachProblem("vm-1", to: source.path + "/disk.img", type: "ext4")
                #expect(problem?.code == "timed_out")
                #expect(problem?.detail.contains("took longer than 1 s; its worker was killed") == true)
                try host.attach("vm-1", to: "data", type: "tmpfs")
                try host.detach("vm-1", from: "data")
                #expect(try host.client.mounts().mounts.isEmpty)
                let workers = try host.client.status().workers
                #expect(workers?["killed"] == 1)
                #expect(workers?["stuck"] == 0)
                #expect(workers?["running"] ?? 0 > 0)
                try source.end()
            }
        }

        @Test func whatTheKernelDoesNotLetGoOfIsStuckAndNobodyElseIs() throws {
            try TestHost.run(start: false) { host in
                try host.startDaemon(settings: "operation_deadline_seconds = 1")
                let source = try SilentSource(in: host.folder)
                let image = source.path + "/disk.img"
                let waiting = Mutex<Problem?>(nil)
                let ended = DispatchSemaphore(value: 0)
                Thread.detachNewThread {
                    let problem = try? host.attachProblem("vm-1", to: image, type: "ext4")
                    waiting.withLock { $0 = problem }
                    ended.signal()
                }
                try source.takeQuestion()
                ended.wait()
                #expect(waiting.withLock { $0?.code } == "stuck")
                #expect(try host.state() == "stuck")
                let status = try host.client.status()
                #expect(status.workers?["stuck"] == 1 && status.mounts["stuck"] == 1)
                // At once, and without another worker at the same place.
                #expect(try host.attachProblem("vm-2", to: image, type: "ext4")?.code == "stuck")
                try host.attach("vm-1", to: "data", type: "tmpfs")
                try host.detach("vm-1", from: "data")
                #expect(try host.client.status().workers?["stuck"] == 1)
                try source.end()
                source.abort()
                try host.waitUntil("the kernel has let go of it") {
                    try host.client.status().workers?["stuck"] == 0 && host.client.mounts().mounts.isEmpty
                }
            }
        }

        @Test func aWorkerThatIsNotThereKeepsTheDaemonFromStarting() throws {
            try TestHost.run(start: false) { host in
                let daemon = try host.startDaemon(arguments: ["--worker", host.folder + "/none"])
                #expect(try daemon.exitStatus() == 70)
                #expect(daemon.log.contains("\(host.folder)/none"))
                #expect(daemon.log.contains("--worker") || daemon.log.contains("'worker'"))
                // What it had made until then goes with one that starts.
                try host.startDaemon()
            }
        }

        @Test func anUpgradeOfTheWorkersProgramDoesNotConcernADaemonThatRuns() throws {
            try TestHost.run(start: false) { host in
                let program = host.folder + "/worker"
                try FileManager.default.copyItem(atPath: Program.beside("holdfast-worker"), toPath: program)
                let daemon = try host.startDaemon(arguments: ["--worker", program])
                try host.attach("vm-1", to: "data", type: "tmpfs")
                try Data("#!/bin/sh\nexit 1\n".utf8).write(to: URL(filePath: program), options: .atomic)
                try #require(chmod(program, 0o755) == 0)
                let before = try OwnProcesses.children(of: daemon.pid)
                #expect(!before.isEmpty)
                for worker in before { kill(worker, SIGKILL) }
                try host.attach("vm-1", to: "more", type: "tmpfs")
                let worker = try #require(try OwnProcesses.children(of: daemon.pid).subtracting(before).first)
                #expect(try String(contentsOfFile: "/proc/\(worker)/comm", encoding: .utf8) == "holdfast-worker\n")
                // The new one is for the next daemon.
                try host.stopDaemon()
                #expect(try host.startDaemon(arguments: ["--worker", program]).exitStatus() == 70)
                try host.startDaemon()
                try host.detach("vm-1", from: "data")
                try host.detach("vm-1", from: "more")
            }
        }

        @Test func aMountpointWaitsForADeadDaemonsWorkerThatHangs() throws {
            try TestHost.run { host in
                let folder = host.folder + "/source"
                try #require(mkdir(folder, 0o755) == 0)
                let image = try host.image("source/disk.img")
                let path = try host.attach("vm-1", to: image).path
                // Lost, and its source hangs: the next build of it does.
                let source = try SilentSource(at: folder)
                try #require(umount2(path, 0) == 0)
                let daemon = try #require(host.daemon)
                let worker = try host.waitForWorkerInFilesystem(of: daemon)
                try host.killDaemon()
                try host.startDaemon()
                #expect(try host.state() == "recovering")
                try host.attach("vm-2", to: "data", type: "tmpfs")
                try host.detach("vm-2", from: "data")
                try source.end()
                #expect(try host.state() == "recovering")
                // A daemon does not wait for it to stop.
                try host.stopDaemon()
                try host.startDaemon()
                #expect(try host.state() == "recovering")
                kill(worker, SIGKILL)
                try host.waitForState("mounted")
                _ = consume source
                #expect(try host.managedMounts().count == 1)
                try host.detach("vm-1", from: image)
            }
        }

        @Test func aMountpointWaitsForADeadDaemonsWorkerInTheMiddleOfAnUnmount() throws {
            try TestHost.run(start: false) { host in
                let died = DispatchSemaphore(value: 0)
                let worker = WorkerBox()
                try host.startDaemon(environment: ["HOLDFAST_FAILPOINT": "slot.umount.before=stop"]) {
                    worker.stopAllAndKillTheirDaemon()
                    died.signal()
                }
                let path = try host.attach("vm-1", to: "data", type: "tmpfs").path
                worker.daemon = try #require(host.daemon).pid
                _ = try? host.detach("vm-1", from: "data")
                died.wait()
                #expect(host.daemon?.waitForEnd() == SIGKILL)
                // It is in its slot.
                #expect(try host.mounts(at: path).isEmpty)
                try host.startDaemon()
                #expect(try host.state() == "recovering")
                try host.attach("vm-2", to: "other", type: "tmpfs")
                try host.detach("vm-2", from: "other")
                #expect(try host.state() == "recovering")
                worker.letGo()
                try host.waitForState("absent")
                #expect(try host.managedMounts().isEmpty)
            }
        }
    }
}

/// A filesystem that never answers, mounted by somebody.
private struct SilentSource: ~Copyable {
    let path: String
    private let filesystem: SilentFilesystem

    init(in folder: String) throws {
        try #require(mkdir(folder + "/silent", 0o755) == 0)
        try self.init(at: folder + "/silent")
    }

    init(at path: String) throws {
        let filesystem = try SilentFilesystem()
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        try #require(folder >= 0)
        try filesystem.mount().attach(onto: OwnedDescriptor(owning: folder))
        self.path = path
        self.filesystem = filesystem
    }

    /// Takes the next question: who asked cannot be killed any more.
    func takeQuestion() throws { try filesystem.takeQuestion() }

    /// Ends the connection: who waits gets an error.
    consuming func abort() { _ = consume self }

    /// Unmounts it; who waits for an answer goes on waiting.
    func end() throws { try #require(umount2(path, Int32(MNT_DETACH)) == 0) }
}

/// The workers of a daemon that is to die.
private final class WorkerBox: Sendable {
    private let processes = Mutex((daemon: pid_t(0), workers: Set<Int32>()))

    /// Set before the point at which it stops is reached.
    var daemon: pid_t {
        get { processes.withLock { $0.daemon } }
        set { processes.withLock { $0.daemon = newValue } }
    }

    func stopAllAndKillTheirDaemon() {
        processes.withLock { processes in
            processes.workers = (try? OwnProcesses.children(of: processes.daemon)) ?? []
            for worker in processes.workers { kill(worker, SIGSTOP) }
            kill(processes.daemon, SIGKILL)
        }
    }

    func letGo() { for worker in processes.withLock({ $0.workers }) { kill(worker, SIGCONT) } }
}

extension TestHost {
    /// Waits until one of the daemon's workers waits for a FUSE filesystem.
    fileprivate func waitForWorkerInFilesystem(of daemon: DaemonProcess) throws -> Int32 {
        var found: Int32?
        try waitUntil("a worker waits in the filesystem") {
            found = try OwnProcesses.children(of: daemon.pid).first { worker in
                let stack = (try? String(contentsOfFile: "/proc/\(worker)/stack", encoding: .utf8)) ?? ""
                return stack.contains("fuse")
            }
            return found != nil
        }
        return try #require(found)
    }
}
