// SPDX-License-Identifier: Apache-2.0

import Foundation
import LinuxMount
import MountTestSupport
import SystemPackage
import Testing

@Suite struct BlockDeviceTests {
    @Test func `A device says its path, its numbers, its size and what is on it`() async throws {
        try await HostFolder.with { folder in
            let image = try folder.makeFile("image", size: 4 << 20)
            try Program.run("mkfs.ext4", "-q", image.string)
            let loop = try LoopDevice.attach(image: image, readOnly: false)
            let device = try BlockDevice.open(loop.path)
            #expect(device.path == loop.path && !device.followedLink)
            #expect(device.major == 7)
            #expect(try device.size() == 4 << 20)
            #expect(try device.signature() == .ext4)
            try device.close()
            try loop.close()
        }
    }

    @Test func `A device is released when the last mount of it in any namespace is gone`() async throws {
        try await HostFolder.with { folder in
            let image = try folder.makeFile("image", size: 4 << 20)
            try Program.run("mkfs.ext4", "-q", image.string)
            let target = try folder.makeFolder("target")
            let loop = try LoopDevice.attach(image: image, readOnly: false)
            let path = loop.path
            let released = try await HostFixture.inOwnMountNamespace {
                var released = [try BlockDevice.isReleased(path)]
                try HostFixture.check(mount(path.string, target.string, "ext4", 0, nil), "mount")
                released.append(try BlockDevice.isReleased(path))
                // A file that is still open keeps the filesystem alive after a lazy unmount.
                let file = Glibc.open(target.appending("file").string, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
                try HostFixture.check(file, "open")
                try HostFixture.check(umount2(target.string, Int32(MNT_DETACH)), "umount2")
                released.append(try BlockDevice.isReleased(path))
                try HostFixture.check(Glibc.close(file), "close")
                return released
            }
            #expect(released == [true, false, false])
            let end = ContinuousClock.now + .seconds(5)
            while try !BlockDevice.isReleased(path), ContinuousClock.now < end { sched_yield() }
            #expect(try BlockDevice.isReleased(path))
            try loop.close()
        }
    }

    @Test func `What is not a block device is refused by name`() async throws {
        try await HostFolder.with { folder in
            let file = try folder.makeFile("file", size: 1)
            try #require(symlink("/dev/loop0", folder.appending("link").string) == 0)
            let cases: [(FilePath, Errno)] = [
                (file, Errno(rawValue: ENOTBLK)),
                (folder.path, Errno(rawValue: ENOTBLK)),
                ("/dev/null", Errno(rawValue: ENOTBLK)),
                ("/dev", Errno(rawValue: ENOTBLK)),
                ("dev/loop0", .invalidArgument),
                (folder.appending("link"), .tooManySymbolicLinkLevels),
                (folder.appending("missing"), .noSuchFileOrDirectory),
                ("/dev/holdfast-missing", .noSuchFileOrDirectory),
            ]
            for (path, errno) in cases {
                #expect(try HostFixture.systemCallError { _ = try BlockDevice.open(path) }.errno == errno, "\(path)")
                #expect(
                    try HostFixture.systemCallError { _ = try BlockDevice.isReleased(path) }.errno == errno, "\(path)")
            }
        }
    }

    /// The links lie in a `/dev` of the thread's own namespace: the machine's stays as it is.
    @Test func `Beneath /dev a link of root's in a folder of root's is followed, to a device beneath /dev only`()
        async throws
    {
        try await HostFolder.with { folder in
            let outside = folder.appending("node")
            var node = stat()
            try #require(stat("/dev/loop0", &node) == 0)
            try #require(mknod(outside.string, S_IFBLK | 0o600, node.st_rdev) == 0)
            let rdev = node.st_rdev
            let outcomes = try await HostFixture.inOwnMountNamespace { () -> [String] in
                try HostFixture.check(mount("test", "/dev", "tmpfs", 0, "mode=0755"), "mount")
                try HostFixture.check(mknod("/dev/loop0", S_IFBLK | 0o600, rdev), "mknod")
                for name in ["disk", "disk/by-uuid", "open", "alias"] {
                    try HostFixture.check(mkdir("/dev/\(name)", 0o755), "mkdir")
                }
                try HostFixture.check(chmod("/dev/open", 0o1777), "chmod")
                let links = [
                    "/dev/disk/by-uuid/relative": "../../loop0", "/dev/chain": "disk/by-uuid/relative",
                    "/dev/open/link": "/dev/loop0", "/dev/users": "/dev/loop0", "/dev/outside": outside.string,
                    "/dev/null-link": "/proc/self/fd/0", "/dev/byway": "disk/by-uuid", "/dev/dangling": "nowhere",
                ]
                for (link, target) in links { try HostFixture.check(symlink(target, link), "symlink") }
                try HostFixture.check(lchown("/dev/users", 65534, 65534), "lchown")
                let outcomes = [
                    "/dev/loop0", "/dev/disk/by-uuid/relative", "/dev/chain", "/dev/open/link", "/dev/users",
                    "/dev/outside", "/dev/byway/relative", "/dev/dangling", "/dev/alias/../chain",
                ].map { path in
                    do throws(SystemCallError) {
                        let device = try BlockDevice.open(FilePath(path))
                        return "\(device.path) \(device.followedLink)"
                    } catch {
                        return "\(error.errno.rawValue)"
                    }
                }
                // Lazily: a child that another test starts has copies of our descriptors until its exec.
                try HostFixture.check(umount2("/dev", Int32(MNT_DETACH)), "umount2")
                return outcomes
            }
            #expect(
                outcomes == [
                    "/dev/loop0 false", "/dev/loop0 true", "/dev/loop0 true", "\(ELOOP)", "\(ELOOP)", "\(ELOOP)",
                    "\(ELOOP)", "\(ENOENT)", "/dev/loop0 true",
                ])
        }
    }
}
