// SPDX-License-Identifier: Apache-2.0

import MountTestSupport
import SystemPackage
import Testing

@testable import LinuxMount

@Suite struct OnTopTests {
    private func entry(_ id: UInt64, on parent: UInt64, at path: FilePath) -> MountEntry {
        MountEntry(
            id: KernelMountID(rawValue: id), parentID: KernelMountID(rawValue: parent),
            mountinfoID: KernelMountID(rawValue: id), mountinfoParentID: KernelMountID(rawValue: parent),
            mountpoint: path, root: "/", isRootDeleted: false, filesystemType: "x", source: nil, attributes: [],
            propagation: .private, isSuperblockReadOnly: false, superblockOptions: nil,
            device: DeviceNumber(major: 0, minor: 1))
    }

    private func top(_ path: FilePath, _ entries: [MountEntry]) -> UInt64? {
        MountTable.entry(onTopAt: path, of: entries)?.id.rawValue
    }

    @Test func `the topmost mount at a path is found, and nothing where none is`() {
        let table = [
            entry(2, on: 1, at: "/"), entry(5, on: 2, at: "/a"), entry(6, on: 5, at: "/a/b"),
            entry(7, on: 6, at: "/a/b"), entry(8, on: 2, at: "/ab"),
        ]
        #expect(top("/", table) == 2 && top("/a", table) == 5 && top("/a/b", table) == 7 && top("/ab", table) == 8)
        #expect(top("/a/b/c", table) == nil && top("/c", table) == nil)
        #expect(top("/a/b", table.reversed()) == 7)
        #expect(top("/a", []) == nil)
    }

    @Test func `what lies beneath a mount that covers the way is hidden`() {
        let below = [entry(2, on: 2, at: "/"), entry(5, on: 2, at: "/a"), entry(6, on: 5, at: "/a/b")]
        #expect(top("/a/b", below) == 6)
        #expect(top("/a/b", below + [entry(9, on: 5, at: "/a")]) == nil)
        #expect(top("/a", below + [entry(9, on: 5, at: "/a")]) == 9)
        #expect(top("/a/b", below + [entry(9, on: 2, at: "/")]) == nil)
    }

    @Test func `the kernel's own table is read so`() throws {
        let table = MountTable.current
        let root = try #require(try table.entry(onTopAt: "/"))
        #expect(root.mountpoint == "/")
        #expect(try table.entry(onTopAt: "/proc")?.filesystemType == "proc")
        #expect(try table.entry(onTopAt: "/no/such/place") == nil)
    }
}
