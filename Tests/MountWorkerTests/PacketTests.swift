// SPDX-License-Identifier: Apache-2.0

import Filesystems
import LinuxMount
import MountModel
import MountTestSupport
import SystemPackage
import Testing

@testable import MountWorker

@Suite struct PacketTests {
    private static let recipe = MountRecipe(
        filesystem: FilesystemType(rawValue: "overlay"), medium: .none,
        parameters: [
            .flag("metacopy"), .string("size", "1m\u{00e9},=\n"), .paths("lowerdir", ["/a", "/b c"]),
            .string("empty", ""),
        ], attributes: [.readOnly, .noExecute], exclusiveSuperblock: true)

    static let orders: [WorkerOrder] = [
        WorkerOrder(.build(recipe), lock: OperationLock(rawValue: .max)),
        WorkerOrder(.unmount(KernelMountID(rawValue: 7), from: "a/b"), lock: nil),
        WorkerOrder(.close, lock: nil), WorkerOrder(.hold, lock: nil),
        WorkerOrder(.detect("/dev/loop0"), lock: OperationLock(rawValue: 0)),
        WorkerOrder(.makeWritable(KernelMountID(rawValue: 7), at: "a"), lock: OperationLock(rawValue: 1)),
        WorkerOrder(.build(helperRecipe, group: "/sys/fs/cgroup/x/1"), lock: nil),
    ]

    private static let helperRecipe = MountRecipe(
        filesystem: FilesystemType(rawValue: "fuse.sshfs"), medium: .helper(helperProgram),
        parameters: [
            .file("IdentityFile", "/k", isSecret: true), .flag("ro"),
            .file("UserKnownHostsFile", "/h", isSecret: false),
            .content("conf", [0, 0xFF], isSecret: true),
        ], attributes: [], exclusiveSuperblock: false)

    private static let helperProgram: HelperProgram = {
        var program = HelperProgram(
            name: "sshfs", words: ["-o", ""], style: .separateOptions, source: "h:/\u{00e9}")
        program.emptyFolders = ["/run/e"]
        program.hiddenPrograms = ["/usr/sbin/h", "/sbin/h"]
        return program
    }()

    static let replies: [WorkerReply] = [
        .built, .unmounted(.foreign(KernelMountID(rawValue: 9))), .unmounted(.parked), .closed, .detected("ext4"),
        .detected(nil), .madeWritable, .ownFolder(OwnFolders.Shown("/a/b", shows: "/a")),
        .failed(SystemCallError("fsopen", .noSuchFileOrDirectory, on: "x", kernelMessages: ["e a", ""])),
        .helperFailed(HelperFailure(program: "sshfs", status: 137, output: ["read: \u{00e9}", ""])),
    ]

    @Test(arguments: orders)
    func `an order arrives as it was sent`(order: WorkerOrder) throws {
        #expect(try roundTrip(order) == order)
    }

    @Test(arguments: replies)
    func `an answer arrives as it was sent`(reply: WorkerReply) throws {
        #expect(try roundTrip(reply) == reply)
    }

    @Test(arguments: [
        MountRecipe.Medium.device("/dev/vdb"), .image("/i", readOnly: true), .deviceOrImage("/x", readOnly: false),
        .folder("/f"), .helper(HelperProgram(name: "a", style: .longOptions, source: "")),
        .helper(HelperProgram(name: "mount.x", words: ["-n"], style: .mountHelper, source: "s")),
        .helper(
            HelperProgram(
                name: "mount.x", style: .mountHelper, source: "s",
                kernel: KernelMount(
                    server: KernelMount.Server(name: "h", option: "addr", family: .ipv6), versions: ["4.2", "4.1"],
                    secret: .key))),
    ])
    func `every medium arrives`(medium: MountRecipe.Medium) throws {
        var recipe = Self.recipe
        recipe.medium = medium
        let order = WorkerOrder(.build(recipe), lock: nil)
        #expect(try roundTrip(order) == order)
    }

    @Test func `what is cut off is refused, wherever that is`() throws {
        for order in Self.orders {
            var packet = PacketWriter()
            packet.append(order)
            for length in 0..<packet.bytes.count {
                var reader = PacketReader(packet.bytes.prefix(length))
                #expect(throws: MalformedPacket.self) { try reader.take(WorkerOrder.self) }
            }
        }
    }

    @Test func `random bytes are refused or read, and nothing else`() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0..<80, using: &generator)
            let bytes = (0..<count).map { _ in
                Bool.random(using: &generator) ? UInt8.random(in: 0...6, using: &generator) : .random(in: .min ... .max)
            }
            var reader = PacketReader(bytes[...])
            _ = try? reader.take(WorkerOrder.self)
            reader = PacketReader(bytes[...])
            _ = try? reader.take(WorkerReply.self)
        }
    }

    @Test func `a helper program has its worker for itself`() {
        #expect(WorkerRequest.build(Self.helperRecipe).isLast)
        for order in Self.orders where order.request != .build(Self.helperRecipe, group: "/sys/fs/cgroup/x/1") {
            #expect(!order.request.isLast)
        }
    }

    private func roundTrip<Value: PacketValue>(_ value: Value) throws -> Value {
        var packet = PacketWriter()
        packet.append(value)
        var reader = PacketReader(packet.bytes[...])
        let arrived = try reader.take(Value.self)
        #expect(reader.isAtEnd)
        return arrived
    }
}
