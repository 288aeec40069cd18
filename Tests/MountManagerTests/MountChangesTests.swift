// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxMount
import Logging
import MountModel
import MountTestSupport
import SystemPackage
import Testing

@testable import MountManager

/// What the manager is told of the kernel's mount table, by each mechanism and from each kind of table.
@Suite(.timeLimit(.minutes(2))) struct MountChangesTests {
    private static let ways: [(MountEventWatch.Mechanism, MountTable.Method)] = [
        (.fanotify, .statmount), (.mountinfo, .statmount), (.mountinfo, .mountinfo),
    ]

    @Test(arguments: ways)
    func `each change names its mount, and no other`(
        mechanism: MountEventWatch.Mechanism, method: MountTable.Method
    ) async throws {
        try PrivateNamespace.require()
        try await TemporaryFolder.with { folder in
            let place = folder.appending("a"), elsewhere = folder.appending("b")
            for path in [place, elsewhere] { try #require(mkdir(path.string, 0o700) == 0) }
            let table = MountTable(method)
            let changes = try LinuxMountChanges(
                table: table, preferring: mechanism, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            #expect(changes.mechanism == mechanism.rawValue)
            func top(_ path: FilePath) throws -> MountChange {
                let entry = try #require(try table.entries(at: path).last)
                return MountChange(
                    id: MountID(rawValue: entry.id.rawValue), parent: MountID(rawValue: entry.parentID.rawValue),
                    mountpoint: try Mountpoint(path.string))
            }
            #expect(changes.drain() == .none)
            try #require(mount("one", place.string, "tmpfs", 0, nil) == 0)
            let first = try top(place)
            #expect(changes.drain() == .mounts([first]))
            #expect(changes.drain() == .none)
            try #require(mount("two", place.string, "tmpfs", 0, nil) == 0)
            let second = try top(place)
            #expect(second.parent == first.id)
            #expect(changes.drain() == .mounts([second]))
            try #require(umount2(place.string, 0) == 0)
            #expect(changes.drain() == .mounts([MountChange(id: second.id)]))
            try #require(mount(place.string, elsewhere.string, nil, UInt(MS_MOVE), nil) == 0)
            // It has left its place before it is at another.
            #expect(changes.drain() == .mounts([MountChange(id: first.id), try top(elsewhere)]))
            try #require(umount2(elsewhere.string, 0) == 0)
            #expect(changes.drain() == .mounts([MountChange(id: first.id)]))
            #expect(changes.drain() == .none)
        }
    }

    @Test func `another mount of the same id, where ids are given again, is a change`() throws {
        var snapshot = MountTableSnapshot()
        var entry = try #require(try MountTable.current.entries().first)
        #expect(snapshot.replace(with: [entry]).count == 1)
        #expect(snapshot.replace(with: [entry]).isEmpty)
        entry.device.minor += 1
        let id = MountID(rawValue: entry.id.rawValue)
        #expect(snapshot.replace(with: [entry]) == [MountChange(id: id), MountChange(entry)])
        #expect(snapshot.replace(with: []).map(\.parent) == [nil])
        #expect(snapshot.replace(with: []).isEmpty)
    }
}
