// SPDX-License-Identifier: Apache-2.0

import Filesystems
import Foundation
import Ledger
import LinuxMount
import Logging
import MountModel
import MountTestSupport
import MountWorker
import SystemPackage
import Testing

@testable import MountManager

/// A manager on the real kernel with a real ledger.
@Suite(.timeLimit(.minutes(2))) struct HostTests {
    /// Runs a body with a started host in a folder of its own, and stops it.
    private func withHost(
        _ change: (inout LinuxHost.Options) -> Void = { _ in }, _ body: (LinuxHost, FilePath) async throws -> Void
    ) async throws {
        try PrivateNamespace.require()
        try await TemporaryFolder.with { folder in
            let host = try host(in: folder, change)
            try await host.start()
            try await body(host, folder)
            try await host.stop()
            #expect(try MountTable(.mountinfo).entries(beneath: folder).isEmpty)
        }
    }

    private func host(in folder: FilePath, _ change: (inout LinuxHost.Options) -> Void) throws -> LinuxHost {
        var options = LinuxHost.Options(
            stateFolder: try Mountpoint("\(folder)/state"), runtimeFolder: try Mountpoint("\(folder)/run"),
            mountRoot: try Mountpoint("\(folder)/mounts"))
        options.allowsPrivateNamespace = true
        change(&options)
        return try LinuxHost(options, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func order(_ consumer: String, _ lease: Lease = .explicit) throws -> AttachOrder {
        let source = try FilesystemCatalog.standard.source(
            type: FilesystemType(rawValue: "tmpfs"), source: "data", options: [])
        let key = AttachmentKey(volume: .whole, consumer: try Consumer(consumer))
        return AttachOrder(source: source, key: key, owner: 0, lease: lease)
    }

    @Test func aPersistentAttachmentIsAcknowledgedOnlyAfterAFullSync() async throws {
        try await withHost { host, _ in
            func syncs(_ body: () async throws -> Void) async throws -> Int {
                let before = try #require(await host.ledgerCounters).fullSyncs
                try await body()
                // Counted before anybody is answered, so that there is nothing to wait for.
                return try #require(await host.ledgerCounters).fullSyncs - before
            }
            let place = try host.manager.defaultMountpoint(for: order("any").source)
            func attach(_ consumer: String, _ lease: Lease) async throws -> Int {
                try await syncs { _ = try await host.manager.attach(order(consumer, lease)) }
            }
            func detach(_ consumer: String) async throws -> Int {
                let key = try order(consumer).key
                return try await syncs { _ = try await host.manager.detach(key, from: place, owner: 0) }
            }
            #expect(try await attach("ordinary", .explicit) == 0)
            #expect(try await attach("kept", .persistent) == 1)
            #expect(try await attach("made", .explicit) == 0)
            #expect(try await attach("made", .persistent) == 1)
            #expect(try await attach("made", .persistent) == 0)
            #expect(try await detach("ordinary") == 0)
            #expect(try await detach("kept") == 1)
            #expect(try await detach("made") == 1)
        }
    }

    @Test(arguments: ["state", "run", "mounts"])
    func aFolderThatDoesNotAnswerIsNamedAndNotWaitedFor(name: String) async throws {
        try PrivateNamespace.require()
        try await TemporaryFolder.with { folder in
            let place = folder.appending(name)
            try #require(mkdir(place.string, 0o700) == 0)
            let silent = try SilentFilesystem()
            try silent.mount(on: place)
            let failure = #expect(throws: MountError.self) {
                _ = try host(in: folder) { $0.answerTime = .milliseconds(200) }
            }
            #expect(failure?.message.contains("the filesystem of \(place) has not answered") == true)
            #expect(umount2(place.string, CInt(MNT_DETACH)) == 0)
        }
    }

    /// Without workers a look that hangs cannot be ended: it keeps its thread, which is one of the looks' own.
    @Test func looksThatHangAreNamedAndLeaveTheBuildsTheirs() async throws {
        try await withHost({ $0.threads = 1 }) { host, folder in
            let place = folder.appending("silent")
            try #require(mkdir(place.string, 0o700) == 0)
            let silent = try SilentFilesystem()
            try silent.mount(on: place)
            let hanging = place.appending("disk.img")
            let taken = "all of the 1 looks that there may be at once are taken by others: \(hanging)"
            try await wait(until: "the look hangs") {
                #expect(await look(host, at: hanging, within: .milliseconds(50))?.code == .timedOut)
                return await look(host, at: folder, within: .milliseconds(50))?.message.contains(taken) == true
            }
            #expect(await host.threads.hungLooks(after: .zero)?.message == taken)
            #expect(await host.threads.hungLooks() == nil)
            let order = try order("vm-1")
            let mountpoint = try await host.manager.attach(order).mount.mountpoint
            _ = try await host.manager.detach(order.key, from: mountpoint, owner: 0)
            _ = consume silent
            try await wait(until: "there is room") { await look(host, at: folder, within: .seconds(30)) == nil }
            #expect(await host.threads.hungLooks(after: .zero) == nil)
            #expect(umount2(place.string, CInt(MNT_DETACH)) == 0)
        }
    }

    @Test func aStopDoesNotWaitForAThreadThatHangs() async throws {
        try PrivateNamespace.require()
        let (reached, reach) = AsyncStream<Void>.makeStream()
        let hanging = DispatchSemaphore(value: 0)
        try await TemporaryFolder.with { folder in
            let host = try host(in: folder) { options in
                options.threads = 1
                options.executorSteps = ExecutorSteps { step in
                    guard step == .build else { return }
                    reach.yield()
                    hanging.wait()
                }
            }
            try await host.start()
            let order = try order("vm-1")
            let attach = Task { try await host.manager.attach(order) }
            for await _ in reached { break }
            let error = await #expect(throws: MountError.self) { try await host.stop(within: .milliseconds(50)) }
            #expect(error?.code == .stuck)
            let refusal = await #expect(throws: MountError.self) { _ = try await attach.value }
            #expect(refusal?.code == .unavailable)
            hanging.signal()
            // What was given up goes on by itself: it lets go of everything, the ledger last.
            try await wait(until: "the ledger is closed") { access("\(folder)/state/ledger.sqlite-wal", F_OK) != 0 }
            #expect(try MountTable(.mountinfo).entries(beneath: folder).isEmpty)
        }
    }

    /// Asks until it is so, which nothing tells of; fails with what was waited for where it is not in time.
    private func wait(until what: String, _ isSo: () async -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while await !isSo() {
            try #require(ContinuousClock.now < deadline, "waited a minute until \(what)")
            await Task.yield()
        }
    }

    private func look(_ host: LinuxHost, at path: FilePath, within limit: Duration) async -> MountError? {
        do {
            _ = try await host.executor.detectType(of: path.string, within: limit)
            return nil
        } catch {
            return error
        }
    }

    @Test func aStateFolderThatLetsOthersInIsNotBlamedOnMissingRights() async throws {
        try PrivateNamespace.require()
        try await TemporaryFolder.with { folder in
            let state = folder.appending("state").string
            try FileManager.default.createDirectory(
                atPath: state, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
            let error = try #require(throws: MountError.self) { _ = try host(in: folder) { _ in } }
            #expect(error.message.contains("chmod 0700 \(state)"))
            #expect(error.hint == nil)
        }
    }
}
