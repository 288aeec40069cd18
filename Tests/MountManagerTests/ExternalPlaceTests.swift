// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Filesystems
import Glibc
import LinuxMount
import Logging
import MountModel
import MountTestSupport
import SystemPackage
import Testing

@testable import MountManager

/// Attaches to what others mount, on the real kernel: who has to wait for the mount table.
@Suite(.timeLimit(.minutes(1))) struct ExternalPlaceTests {
    private func withManager(
        _ body: (MountManager, LinuxExecutor, _ place: FilePath) async throws -> Void
    ) async throws {
        try PrivateNamespace.require()
        try await TemporaryFolder.with { folder in
            let place = folder.appending("lab")
            try #require(mkdir(place.string, 0o755) == 0)
            try Program.run("mount", "-t", "tmpfs", "shared0", place.string)
            let catalog = try FilesystemCatalog.standard.adding([
                TypeDefinition(name: "lab", kind: "external", filesystem: "tmpfs", source: "name")
            ])
            let root = try ManagedRoot.prepare(at: folder.appending("root"))
            let lot = try ParkingLot.prepare(at: folder.appending("parking"))
            let executor = LinuxExecutor(root: root, parking: lot, catalog: catalog, threads: 1)
            let log = LogRecorder()
            let manager = MountManager(
                configuration: ManagerConfiguration(
                    mountRoot: try Mountpoint(root.path.string), boot: BootID(rawValue: "boot-1"), catalog: catalog),
                ledger: MemoryLedger(), executor: executor, changes: SimulatedKernel(),
                logger: Logger(label: "test") { _ in log })
            try await manager.start()
            try await body(manager, executor, place)
            await manager.stop(within: .seconds(30))
            try await executor.shutDown()
            try Program.run("umount", place.string)
            try lot.release()
            try root.release()
        }
    }

    private func attach(
        _ manager: MountManager, _ consumer: String, to source: String, within timeout: Duration = .seconds(30)
    ) async throws -> Mountpoint {
        try await manager.attach(
            AttachOrder(
                source: MountSource(type: FilesystemType(rawValue: "lab"), source: source, options: []),
                mountpoint: nil, key: try ManagerHarness.key(consumer), owner: 0, timeout: timeout)
        ).mount.mountpoint
    }

    @Test func `an attach to one that is in use asks nothing, and another one waits for its own time`() async throws {
        try await withManager { manager, executor, place in
            #expect(try await attach(manager, "vm-1", to: "shared0").path == place)
            let (begun, begin) = AsyncStream<Void>.makeStream()
            let rest = DispatchSemaphore(value: 0)
            let busy = Task {
                await executor.onThread(of: .table) {
                    begin.yield()
                    return rest.wait(timeout: .now() + .seconds(20))
                }
            }
            for await _ in begun { break }
            #expect(try await attach(manager, "vm-2", to: "shared0").path == place)
            let errors = await withTaskGroup(of: MountError.Code?.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        do {
                            _ = try await attach(manager, "vm-\(number)", to: "shared9", within: .milliseconds(100))
                            return nil
                        } catch {
                            return (error as? MountError)?.code
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(errors == Array(repeating: .timedOut, count: 8))
            rest.signal()
            #expect(try await busy.value.get() == .success)
            let absent = await #expect(throws: MountError.self) { _ = try await attach(manager, "vm-3", to: "shared9") }
            #expect(absent?.code == .mountFailed)
            for consumer in ["vm-1", "vm-2"] {
                _ = try await manager.detach(
                    try ManagerHarness.key(consumer), from: try Mountpoint(place.string), owner: 0)
            }
        }
    }

    @Test func `what has a password is not told where its type is looked for`() async throws {
        try await ExecutorSite.with { site in
            let error = await #expect(throws: MountError.self) {
                _ = try await site.executor.detectType(of: "bob:hunter2@host:data", within: .seconds(30))
            }
            #expect(error?.code == .invalidArgument)
            #expect(error.map { "\($0) \($0.context)".contains("hunter2") } == false)
        }
    }
}
