// SPDX-License-Identifier: Apache-2.0

import CLinux
import Filesystems
import Foundation
import LinuxMount
import MountModel
import MountTestSupport
import SystemPackage
import Testing

@testable import MountWorker

/// The real program, in a process of its own.
@Suite(.serialized, .timeLimit(.minutes(1))) struct WorkerProcessTests {
    private static let lock = OperationLock(rawValue: 7)

    private func withWorker(_ body: (WorkerSite, WorkerProcess) throws -> Void) throws {
        try WorkerSite.with { site in
            let worker = try WorkerProcess(site.program)
            try body(site, worker)
            #expect(worker.kill())
        }
    }

    /// What the worker answers; it must.
    private func ask(_ worker: WorkerProcess, _ request: WorkerRequest) throws -> WorkerReply {
        guard
            case .answered(let reply, _) = worker.call(
                WorkerOrder(request, lock: nil), with: nil, until: .now + .seconds(30))
        else { throw SystemCallError("call", .timedOut) }
        return reply
    }

    private func build(_ worker: WorkerProcess, _ recipe: MountRecipe) throws -> DetachedMount {
        guard
            case .answered(.built, let carried) = worker.call(
                WorkerOrder(.build(recipe), lock: Self.lock), with: nil, until: .now + .seconds(30)),
            let descriptor = carried
        else { throw SystemCallError("call", .timedOut) }
        return try DetachedMount(receiving: descriptor)
    }

    @Test func `a tmpfs is built, placed and unmounted, with nosuid and nodev though nobody asked`() throws {
        try withWorker { site, worker in
            let id = try site.place(try build(worker, WorkerSite.recipe("tmpfs")), at: "data")
            let attributes = try #require(try site.root.table.entry(id)).attributes
            #expect(attributes.isSuperset(of: [.noSetUserID, .noDevices]))
            #expect(!attributes.contains(.readOnly))
            #expect(try ask(worker, .unmount(id, from: "data")) == .unmounted(.unmounted))
            #expect(try ask(worker, .unmount(id, from: "data")) == .unmounted(.absent))
            try site.root.target("data").removeFolder()
        }
    }

    @Test func `an image is built, placed and unmounted, and its loop device goes`() throws {
        try withWorker { site, worker in
            let image = site.image
            let recipe = WorkerSite.recipe("ext4", .image(image, readOnly: false), [.noExecute])
            let id = try site.place(try build(worker, recipe), at: "data")
            #expect(try LoopDevice.devices(backing: image).count == 1)
            #expect(try ask(worker, .detect(image)) == .detected("ext4"))
            #expect(try ask(worker, .unmount(id, from: "data")) == .unmounted(.unmounted))
            try site.waitUntilReleased(image)
            try site.root.target("data").removeFolder()
        }
    }

    @Test func `where the mount root is covered, a worker says so, and the next one is well again`() throws {
        try WorkerSite.with { site in
            let root = site.root.path
            try #require(mount("cover", root.string, "tmpfs", 0, nil) == 0)
            let covered = try WorkerProcess(site.program)
            guard case .failed(let error) = try ask(covered, .build(WorkerSite.recipe("tmpfs"))) else {
                Issue.record("it was not refused")
                return
            }
            #expect(error.subject?.contains(root.string) == true)
            try #require(umount(root.string) == 0)
            #expect(covered.kill())
            let next = try WorkerProcess(site.program)
            _ = try build(next, WorkerSite.recipe("tmpfs"))
            #expect(next.kill())
        }
    }

    @Test func `the kernel's refusal comes with its words`() throws {
        try withWorker { _, worker in
            var recipe = WorkerSite.recipe("tmpfs")
            recipe.parameters = [.string("size", "many")]
            guard case .failed(let error) = try ask(worker, .build(recipe)) else {
                Issue.record("it was not refused")
                return
            }
            #expect(error.call == "fsconfig")
            #expect(error.errno == .invalidArgument)
            #expect(error.kernelMessages.contains { $0.contains("size") })
        }
    }

    static let refused: [WorkerRequest] = [
        .unmount(KernelMountID(rawValue: 1), from: "../elsewhere"),
        .unmount(KernelMountID(rawValue: 1), from: "a/../../b"),
        .unmount(KernelMountID(rawValue: 1), from: "/tmp"),
        .unmount(KernelMountID(rawValue: 1), from: ""),
        .build(WorkerSite.recipe("ext4", .image("disk.img", readOnly: true))),
        .build(WorkerSite.recipe("ext4", .device("loop0"))),
        .build(WorkerSite.recipe("ext4", .deviceOrImage("x", readOnly: true))),
        .build(WorkerSite.recipe("bind", .folder("tmp"))),
        .detect("tmp"),
    ]

    @Test(arguments: refused) func `it refuses by itself what the daemon never asks`(request: WorkerRequest) throws {
        try withWorker { _, worker in
            guard case .failed(let error) = try ask(worker, request) else {
                Issue.record("it was not refused")
                return
            }
            #expect(error.errno == .invalidArgument, "\(error)")
            #expect(try ask(worker, .detect("/")) == .detected("folder"))
        }
    }

    @Test func `a layer's path that is not absolute is refused`() throws {
        try withWorker { _, worker in
            var recipe = WorkerSite.recipe("overlay")
            recipe.parameters = [.paths("lowerdir", ["a", "b"])]
            guard case .failed(let error) = try ask(worker, .build(recipe)) else {
                Issue.record("it was not refused")
                return
            }
            #expect(error.errno == .invalidArgument)
        }
    }

    @Test func `there is nothing to close where nothing came`() throws {
        try withWorker { _, worker in
            let reply = try ask(worker, .close)
            #expect(reply == .failed(SystemCallError("close", .badFileDescriptor)))
        }
    }

    @Test func `it inherits neither environment nor descriptors, and its core is not dumped`() throws {
        try WorkerSite.with { site in
            let marker = open(site.folder.appending("marker").string, O_CREAT | O_RDWR, 0o600)
            try #require(marker >= 0)
            let worker = try WorkerProcess(site.program)
            #expect(try ask(worker, .detect("/")) == .detected("folder"))
            #expect(try Data(contentsOf: URL(filePath: "/proc/\(worker.id)/environ")).isEmpty)
            let mine = try OwnProcesses.descriptors()
            let open = try OwnProcesses.descriptors(of: "\(worker.id)")
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(worker.id)/cwd") == "/")
            #expect(open["0"] == "/dev/null")
            #expect(open["1"] == "/dev/null")
            #expect(open["2"] == mine["2"])
            // The folder holds root and parking lot.
            let known = ["", "root", "parking", "locks"].map { site.folder.appending($0).string }
            let others = open.filter { Int($0.key).map { $0 > 2 } == true && !known.contains($0.value) }
            #expect(others.values.filter { !$0.hasPrefix("socket:") } == [])
            #expect(others.count == 1)
            #expect(worker.kill())
            close(marker)
        }
    }

    @Test func `the lock is held exactly while it acts, and goes with a worker that is killed`() throws {
        try withWorker { site, worker in
            var locks = try site.locks()
            _ = try build(worker, WorkerSite.recipe("tmpfs"))
            // Waits for the worker, which lets go after its answer.
            try locks.lock(Self.lock)
            try locks.unlock(Self.lock)
            #expect(try !locks.isAnyHeld())
            try site.withSilentSource { path in
                let order = WorkerOrder(
                    .build(WorkerSite.recipe("ext4", .image(path, readOnly: true))), lock: Self.lock)
                guard case .late = worker.call(order, with: nil, until: .now + .milliseconds(300)) else {
                    Issue.record("it did not hang")
                    return
                }
                let (own, other) = (try locks.isHeld(Self.lock), try locks.isHeld(OperationLock(rawValue: 8)))
                #expect(own && !other)
                #expect(worker.kill())
                let isAnyHeld = try locks.isAnyHeld()
                #expect(!isAnyHeld)
            }
        }
    }

    @Test func `it ends with the connection`() throws {
        try withWorker { _, worker in
            let reply = try ask(worker, .detect("/"))
            #expect(reply == .detected("folder"))
            shutdown(worker.connection.number, Int32(SHUT_RDWR))
            worker.waitForEnd()
        }
    }

    @Test func `a packet that makes no sense ends it`() throws {
        try withWorker { site, worker in
            let packet: [UInt8] = [0, 9, 9]
            #expect(hf_send_packet(worker.connection.number, packet, packet.count, -1) == 0)
            worker.waitForEnd()
            // What it was asked before is what it has done.
            let isAnyHeld = try site.locks().isAnyHeld()
            #expect(!isAnyHeld)
        }
    }

    @Test func `a packet that makes no sense is an error to the loop`() throws {
        try WorkerSite.with { site in
            var ends: [CInt] = [-1, -1]
            #expect(hf_packet_pair(&ends) == 0)
            defer { close(ends[0]) }
            let packet: [UInt8] = [0, 9, 9]
            #expect(hf_send_packet(ends[0], packet, packet.count, -1) == 0)
            var loop = WorkerLoop(
                connection: PacketConnection(owning: OwnedDescriptor(owning: ends[1])),
                operations: MountOperations(root: site.root, parking: site.parking), locks: try site.locks())
            do throws(SystemCallError) {
                try loop.run()
                Issue.record("it took the packet")
            } catch {
                #expect(error.errno == Errno(rawValue: EPROTO))
            }
        }
    }

    @Test func `a program that is not there is an error`() throws {
        try WorkerSite.with { site in
            let error = #expect(throws: SystemCallError.self) {
                _ = try WorkerProgram(path: site.folder.appending("none"), arguments: [])
            }
            #expect(error?.errno == .noSuchFileOrDirectory)
        }
    }
}
