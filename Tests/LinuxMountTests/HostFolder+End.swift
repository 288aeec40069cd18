// SPDX-License-Identifier: Apache-2.0

import CLinux
import Foundation
import LinuxMount
import SystemPackage
import Testing

extension HostFolder {
    /// Looks for what the test left, unless its failure explains that, and takes everything away.
    func end(hasFailed: Bool) {
        do {
            if !hasFailed {
                #expect(try descriptorsLeft() == [], "descriptors left")
                #expect(try mountsLeft() == [], "mounts left")
                #expect(try loopDevicesLeft() == [], "loop devices left")
            }
            try unmountAll()
            try remove()
        } catch {
            Issue.record(error, "the test's folder could not be cleaned up")
        }
    }

    private func descriptorsLeft() throws -> [String] {
        try HostFixture.openFiles().values.filter { $0.hasPrefix(path.string) }
    }

    private func mountsLeft() throws -> [Substring] {
        try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8).split(separator: "\n").filter {
            $0.contains(path.string)
        }
    }

    /// The loop devices that still have one of the folder's files after everybody has had time to let go: whoever lists
    /// loop devices elsewhere on the machine holds each of them open for a moment.
    func loopDevicesLeft() throws -> [FilePath] {
        let end = ContinuousClock.now + .seconds(5)
        while true {
            var left: [FilePath] = []
            for file in try files() where file.type == S_IFREG {
                left += try LoopDevice.devices(backing: file.path).map(\.path)
            }
            if left.isEmpty || ContinuousClock.now > end { return left }
            sched_yield()
        }
    }

    /// From the top down; nothing is removed through a mount.
    private func unmountAll() throws {
        for entry in try MountTable.current.entries(beneath: path).reversed() {
            guard let mountpoint = entry.mountpoint else { continue }
            Issue.record("left mounted: \(mountpoint) (\(entry.filesystemType))")
            _ = mountpoint.withPlatformString { hf_umount($0, HF_MNT_DETACH | HF_UMOUNT_NOFOLLOW) }
        }
        try #require(try MountTable.current.entries(beneath: path).isEmpty)
    }

    private func files() throws -> [(path: FilePath, type: mode_t)] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: path.string)
        return try names.map { name in
            var status = stat()
            try #require(lstat(appending(name).string, &status) == 0)
            return (appending(name), status.st_mode & S_IFMT)
        }
    }

    private func remove() throws {
        let left = try files()
        for file in left where file.type == S_IFDIR { try clearImmutable(file.path) }
        // Deepest first, one at a time: a mount that was missed makes this fail instead of emptying it.
        for file in left.map(\.path).sorted(by: { $0.components.count > $1.components.count }) {
            try #require(Glibc.remove(file.string) == 0, "\(file)")
        }
        try #require(rmdir(path.string) == 0)
    }

    private func clearImmutable(_ path: FilePath) throws {
        let folder = OwnedDescriptor(owning: open(path.string, O_RDONLY | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC))
        var flags: UInt32 = 0
        let immutable = UInt32(HF_FS_IMMUTABLE_FL)
        guard hf_get_inode_flags(folder.rawValue, &flags) == 0, flags & immutable != 0 else { return }
        Issue.record("left immutable: \(path)")
        try SystemCallError.check(hf_set_inode_flags(folder.rawValue, flags & ~immutable), "ioctl", on: path.string)
    }
}
