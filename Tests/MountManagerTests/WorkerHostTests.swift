// SPDX-License-Identifier: Apache-2.0

import Filesystems
import Foundation
import LinuxMount
import Logging
import MountManager
import MountModel
import MountTestSupport
import SystemPackage
import Testing

/// A host whose kernel operations are done by workers.
@Suite(.serialized, .timeLimit(.minutes(1))) struct WorkerHostTests {
    private func options(in folder: FilePath) throws -> LinuxHost.Options {
        var options = LinuxHost.Options(
            stateFolder: try Mountpoint("\(folder)/state"), runtimeFolder: try Mountpoint("\(folder)/run"),
            mountRoot: try Mountpoint("\(folder)/mounts"))
        options.allowsPrivateNamespace = true
        options.workerProgram = FilePath(Program.beside("holdfast-worker"))
        return options
    }

    private func host(_ options: LinuxHost.Options) throws -> LinuxHost {
        try LinuxHost(options, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Runs the body with a started host, and a path in a filesystem that never answers.
    private func withHost(
        deadline: Duration = .seconds(60), _ body: (LinuxHost, _ silent: FilePath) async throws -> Void
    ) async throws {
        try PrivateNamespace.require()
        try await TemporaryFolder.with { folder in
            let children = try OwnProcesses.children()
            let elsewhere = try ManagedRoot.prepare(at: folder.appending("elsewhere"))
            let lot = try ParkingLot.prepare(at: folder.appending("elsewhere-parking"))
            let target = try elsewhere.target("silent")
            let silent = try SilentFilesystem()
            let mount = try silent.mount()
            let id = mount.id
            _ = try target.prepareFolder()
            #expect(try target.place(mount, parking: lot) == .placed)
            var options = try options(in: folder)
            options.operationDeadline = deadline
            let host = try host(options)
            try await host.start()
            try await body(host, target.path)
            try await host.stop()
            #expect(try target.unmountExactly(id, parking: lot) == .unmounted)
            try target.removeFolder()
            try elsewhere.release()
            try lot.release()
            _ = consume silent
            #expect(try MountTable(.mountinfo).entries(beneath: folder).isEmpty)
            #expect(try OwnProcesses.children().subtracting(children) == [])
        }
    }

    private func order(_ type: String, _ source: String) throws -> AttachOrder {
        let source = try FilesystemCatalog.standard.source(
            type: FilesystemType(rawValue: type), source: source, options: [])
        let key = AttachmentKey(volume: .whole, consumer: try Consumer("vm-1"))
        return AttachOrder(source: source, key: key, owner: 0, lease: .explicit)
    }

    private func detach(_ order: AttachOrder, _ host: LinuxHost) async throws {
        let place = try host.manager.defaultMountpoint(for: order.source)
        _ = try await host.manager.detach(order.key, from: place, owner: 0)
    }

    @Test func `a mount is built, placed and unmounted, and nothing is left`() async throws {
        try await withHost { host, _ in
            let order = try order("tmpfs", "data")
            let status = try await host.manager.attach(order).mount
            #expect(status.phase == .mounted)
            try await detach(order, host)
            #expect(try await host.executor.detectType(of: "/", within: .seconds(30)).rawValue == "bind")
        }
    }

    @Test func `a source that hangs costs its worker and holds nobody else up`() async throws {
        try await withHost(deadline: .milliseconds(500)) { host, silent in
            let hanging = try order("ext4", "\(silent)/disk.img")
            let refused = Task { try await host.manager.attach(hanging) }
            let order = try order("tmpfs", "data")
            _ = try await host.manager.attach(order)
            try await detach(order, host)
            let refusal = await #expect(throws: MountError.self) { _ = try await refused.value }
            #expect(refusal?.code == .timedOut)
            #expect(refusal?.message.contains("took longer than 0.5 s; its worker was killed") == true)
            #expect(refusal?.hint?.contains("is its server there?") == true)
            let error = await #expect(throws: MountError.self) {
                try await host.executor.detectType(of: "\(silent)/disk.img", within: .seconds(30))
            }
            #expect(error?.code == .timedOut)
        }
    }

    @Test func `looks at a source that hangs are one, leave builds theirs, and end with those who wait`() async throws {
        try await withHost { host, silent in
            let source = "\(silent)/disk.img"
            let looks = (0..<32).map { _ in
                Task { try await host.executor.detectType(of: source, within: .seconds(300)) }
            }
            while try !OwnProcesses.children().contains(where: isWaitingForFuse) { await Task.yield() }
            var order = try order("tmpfs", "data")
            order.timeout = .seconds(20)
            _ = try await host.manager.attach(order)
            #expect(try OwnProcesses.children().filter(isWaitingForFuse).count == 1)
            try await detach(order, host)
            let error = await #expect(throws: MountError.self) {
                try await host.executor.detectType(of: source, within: .milliseconds(50))
            }
            #expect(error?.code == .timedOut)
            #expect(error?.message.contains("did not answer in time") == true)
            for look in looks { look.cancel() }
            for look in looks {
                let error = await #expect(throws: MountError.self) { _ = try await look.value }
                #expect(error?.code == .cancelled)
            }
            // One that ends meanwhile has no stack to read.
            while try OwnProcesses.children().contains(where: { (try? isWaitingForFuse($0)) ?? true }) {
                await Task.yield()
            }
            #expect(try await host.executor.detectType(of: "/", within: .seconds(30)).rawValue == "bind")
        }
    }

    @Test func `a build that nobody waits for any more ends at once`() async throws {
        try await withHost { host, silent in
            let before = try OwnProcesses.children()
            let attach = Task { [order = try order("ext4", "\(silent)/disk.img")] in
                try await host.manager.attach(order)
            }
            // It is under way when its worker waits in the kernel for the filesystem.
            while try !before.contains(where: isWaitingForFuse) { await Task.yield() }
            attach.cancel()
            await #expect(throws: MountError.self) { _ = try await attach.value }
            while try !OwnProcesses.children().isDisjoint(with: before) { await Task.yield() }
        }
    }

    private func isWaitingForFuse(_ process: Int32) throws -> Bool {
        try String(contentsOfFile: "/proc/\(process)/stack", encoding: .utf8).contains("fuse")
    }

    @Test func `a program that is not there keeps the host from starting`() async throws {
        try await TemporaryFolder.with { folder in
            try PrivateNamespace.require()
            let children = try OwnProcesses.children()
            var options = try options(in: folder)
            options.workerProgram = folder.appending("none")
            let error = #expect(throws: MountError.self) { _ = try host(options) }
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains("\(folder)/none") == true)
            #expect(error?.hint?.contains("worker") == true)
            #expect(try OwnProcesses.children() == children)
            // What it had made until then is there.
            let root = try ManagedRoot.prepare(at: folder.appending("mounts"))
            let lot = try ParkingLot.prepare(at: folder.appending("run/parking"))
            try root.release()
            try lot.release()
        }
    }
}
