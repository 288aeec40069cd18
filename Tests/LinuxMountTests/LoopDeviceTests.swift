// SPDX-License-Identifier: Apache-2.0

import CLinux
import Foundation
import MountTestSupport
import SystemPackage
import Testing

@testable import LinuxMount

@Suite struct LoopDeviceTests {
    @Test func `An image is attached read-write, autoclear, under its name, and ends with the last descriptor`()
        async throws
    {
        try await HostFolder.with { folder in
            let image = try folder.makeFile("image", size: 1 << 20)
            let device = try LoopDevice.attach(image: image, readOnly: false)
            let path = device.path
            let status = try #require(try LoopDevice.status(ofDeviceAt: path))
            #expect(path == FilePath("/dev/loop\(device.number)"))
            #expect(status.number == device.number)
            #expect(status.isAutoclear && !status.isReadOnly && !device.isReadOnly)
            #expect(status.offset == 0 && status.sizeLimit == 0)
            #expect(status.fileName == Array(image.string.utf8))
            #expect(try LoopDevice.devices(backing: image) == [status])
            let other = try folder.makeFile("other", size: 1 << 20)
            #expect(try LoopDevice.devices(backing: other) == [])
            try device.close()
            #expect(try folder.loopDevicesLeft() == [])
        }
    }

    @Test func `A file name of 63 bytes or more is cut and terminated`() async throws {
        try await HostFolder.with { folder in
            let image = try folder.makeFile(String(repeating: "n", count: 100), size: 1 << 20)
            let device = try LoopDevice.attach(image: image, readOnly: true)
            let status = try #require(try LoopDevice.status(ofDeviceAt: device.path))
            #expect(status.fileName == Array(image.string.utf8.prefix(63)))
            try device.close()
        }
    }

    @Test func `A read-write attach is refused beside any device, a read-only one beside a read-write one`()
        async throws
    {
        try await HostFolder.with { folder in
            let image = try folder.makeFile("image", size: 1 << 20)
            try #require(link(image.string, folder.appending("hard link").string) == 0)
            let writable = try LoopDevice.attach(image: image, readOnly: false)
            for readOnly in [false, true] {
                let error = try HostFixture.systemCallError {
                    _ = try LoopDevice.attach(image: folder.appending("hard link"), readOnly: readOnly)
                }
                #expect(error.errno == .resourceBusy)
                #expect(error.subject?.contains("attached read-write to \(writable.path) already") == true)
            }
            try writable.close()
            #expect(try folder.loopDevicesLeft() == [])

            let first = try LoopDevice.attach(image: image, readOnly: true)
            let second = try LoopDevice.attach(image: image, readOnly: true)
            #expect(first.number != second.number && first.isReadOnly && second.isReadOnly)
            #expect(
                try LoopDevice.devices(backing: image).map(\.number).sorted() == [first.number, second.number].sorted())
            let error = try HostFixture.systemCallError { _ = try LoopDevice.attach(image: image, readOnly: false) }
            #expect(error.errno == .resourceBusy && error.subject?.contains("attached read-only") == true)
            try first.close()
            try second.close()
        }
    }

    @Test func `A device that another program has attached counts`() async throws {
        try await HostFolder.with { folder in
            let image = try folder.makeFile("image", size: 1 << 20)
            let path = try Program.run("losetup", "--find", "--show", image.string).trimmingCharacters(
                in: .whitespacesAndNewlines)
            let error = try HostFixture.systemCallError { _ = try LoopDevice.attach(image: image, readOnly: false) }
            try Program.run("losetup", "--detach", path)
            #expect(error.errno == .resourceBusy && error.subject?.contains(path) == true)
        }
    }

    @Test func `Of two devices over the same bytes neither passes, unless both are read-only`() async throws {
        try await HostFolder.with { folder in
            let image = try folder.makeFile("image", size: 1 << 20)
            func attach(_ options: String...) throws -> FilePath {
                let text = try Program.run(["losetup", "--find", "--show"] + options + [image.string])
                return FilePath(text.trimmingCharacters(in: .whitespacesAndNewlines))
            }
            func check(_ path: FilePath) -> SystemCallError? {
                do throws(SystemCallError) {
                    try LoopDevice.requireUnshared(try BlockDevice.open(path))
                    return nil
                } catch {
                    return error
                }
            }
            let first = try attach("--sizelimit", "524288")
            #expect(check(first) == nil)
            let second = try attach("--offset", "524288")
            #expect(check(first) == nil)
            #expect(check(second) == nil)
            try Program.run("losetup", "--detach", second.string)
            let whole = try attach("--read-only")
            for (path, other) in [(first, whole), (whole, first)] {
                #expect(check(path)?.errno == .resourceBusy)
                #expect(check(path)?.subject?.contains("to \(other) already") == true)
            }
            try Program.run("losetup", "--detach", first.string)
            let again = try attach("--read-only")
            #expect(check(again) == nil)
            for path in [whole, again] { try Program.run("losetup", "--detach", path.string) }
            #expect(try folder.loopDevicesLeft() == [])
        }
    }

    @Test func `Of 64 threads that attach one image read-write exactly one succeeds`() async throws {
        try await HostFolder.with { folder in
            let image = try folder.makeFile("image", size: 1 << 20)
            for _ in 0..<5 {
                let crowd = Crowd(count: 64)
                let outcomes = try await crowd.run { () -> Errno? in
                    do throws(SystemCallError) {
                        let device = try LoopDevice.attach(image: image, readOnly: false)
                        crowd.waitForAll()
                        try device.close()
                        return nil
                    } catch {
                        crowd.waitForAll()
                        return error.errno
                    }
                }
                #expect(outcomes.count { $0 == nil } == 1)
                #expect(outcomes.count { $0 == .resourceBusy } == 63)
                #expect(try folder.loopDevicesLeft() == [])
            }
        }
    }

    @Test func `Of eight threads that no lock orders never two succeed: who sees another backs out`() async throws {
        try await HostFolder.with { folder in
            let image = try folder.makeFile("image", size: 1 << 20)
            var control = stat()
            try #require(stat("/dev/loop-control", &control) == 0)
            for index in 0..<8 {
                // Each has a control node, and so a file to lock, of its own: as other programs, which do not lock.
                let nodes = try folder.makeFolder("dev\(index)")
                try #require(mknod(nodes.appending("loop-control").string, S_IFCHR | 0o600, control.st_rdev) == 0)
            }
            for _ in 0..<5 {
                let crowd = Crowd(count: 8)
                let outcomes = try await crowd.runIndexed { index -> Errno? in
                    let driver = LoopDriver(deviceFolder: folder.appending("dev\(index)"))
                    let opened = try LoopDevice.openImage(image, readOnly: false)
                    do throws(SystemCallError) {
                        let device = try LoopDevice.attach(
                            image: opened, named: image, readOnly: false, through: driver)
                        crowd.waitForAll()
                        try device.close()
                        return nil
                    } catch {
                        crowd.waitForAll()
                        return error.errno
                    }
                }
                #expect(outcomes.count { $0 == nil } <= 1)
                #expect(outcomes.allSatisfy { $0 == nil || $0 == .resourceBusy })
                #expect(try folder.loopDevicesLeft() == [])
            }
        }
    }

    @Test func `An attach waits for another one of the same file in flight`() async throws {
        try await HostFolder.with { folder in
            let image = try folder.makeFile("image", size: 1 << 20)
            let nodes = try folder.makeFolder("dev")
            var control = stat()
            try #require(stat("/dev/loop-control", &control) == 0)
            let node = nodes.appending("loop-control").string
            try #require(mknod(node, S_IFCHR | 0o600, control.st_rdev) == 0)
            try #require(stat(node, &control) == 0)
            let inode = control.st_ino
            let driver = LoopDriver(deviceFolder: nodes)
            let opened = try LoopDevice.openImage(image, readOnly: false)
            let inFlight = try driver.openControl()
            try driver.lock(FileFacts(of: opened, on: "image").identity, through: inFlight, named: image)
            let attach = Task {
                try await HostFixture.onOwnThread {
                    let again = try LoopDevice.openImage(image, readOnly: false)
                    try LoopDevice.attach(image: again, named: image, readOnly: false, through: driver).close()
                }
            }
            let end = ContinuousClock.now + .seconds(5)
            var isWaiting = false
            while !isWaiting, ContinuousClock.now < end {
                let locks = try String(contentsOfFile: "/proc/locks", encoding: .utf8).split(separator: "\n")
                isWaiting = locks.contains { $0.contains("-> OFDLCK") && $0.contains(":\(inode) ") }
                sched_yield()
            }
            try inFlight.close()
            try await attach.value
            #expect(isWaiting)
            try opened.close()
        }
    }

    @Test func `32 threads that attach an image each all get a device of their own`() async throws {
        try await HostFolder.with { folder in
            for index in 0..<32 { try folder.makeFile("image\(index)", size: 1 << 20) }
            let crowd = Crowd(count: 32)
            let numbers = try await crowd.runIndexed { index in
                let image = folder.appending("image\(index)")
                let device: LoopDevice
                do { device = try LoopDevice.attach(image: image, readOnly: false) } catch {
                    crowd.waitForAll()
                    throw error
                }
                let number = device.number
                crowd.waitForAll()
                try device.close()
                return number
            }
            #expect(Set(numbers).count == 32)
        }
    }

    @Test func `A device at its end that somebody's look keeps for a moment does not refuse the next attach`()
        async throws
    {
        try await HostFolder.with { folder in
            let image = try folder.makeFile("image", size: 1 << 20)
            for _ in 0..<20 {
                let device = try LoopDevice.attach(image: image, readOnly: false)
                let look = OwnedDescriptor(owning: open(device.path.string, O_RDONLY | O_CLOEXEC))
                try #require(look.rawValue >= 0)
                try device.close()
                let isOver = Flag()
                let attach = Task {
                    try await HostFixture.onOwnThread {
                        defer { isOver.set() }
                        try LoopDevice.attach(image: image, readOnly: false).close()
                    }
                }
                let end = ContinuousClock.now + .milliseconds(20)
                while !isOver.isSet, ContinuousClock.now < end { sched_yield() }
                try look.close()
                try await attach.value
            }
        }
    }

    @Test func `Eight threads that attach, mount and unmount an image each are never refused`() async throws {
        try await HostFolder.with { folder in
            for index in 0..<8 {
                let image = try folder.makeFile("image\(index)", size: 1 << 20)
                try Program.run("mkfs.ext4", "-q", "-O", "^has_journal", image.string)
            }
            let refusals = try await Crowd(count: 8).runIndexed { index -> [String] in
                let image = folder.appending("image\(index)")
                var refusals: [String] = []
                for _ in 0..<200 {
                    do throws(SystemCallError) {
                        let device = try LoopDevice.attach(image: image, readOnly: false)
                        var context = try FilesystemContext(type: "ext4")
                        try context.setString("source", device.path.string)
                        try context.create()
                        let mount = try context.mount(attributes: [.noSetUserID, .noDevices])
                        try device.close()
                        try mount.releaseDescriptor().close()
                    } catch {
                        refusals.append(error.description)
                    }
                }
                return refusals
            }
            #expect(refusals.flatMap(\.self) == [])
        }
    }

    @Test func `The device lives on with a mount of it after the descriptor is closed, and ends with the unmount`()
        async throws
    {
        try await HostFolder.with { folder in
            let image = try folder.makeFile("image", size: 4 << 20)
            try Program.run("mkfs.ext4", "-q", image.string)
            let target = try folder.makeFolder("target")
            let (mounted, released) = try await HostFixture.inOwnMountNamespace {
                let device = try LoopDevice.attach(image: image, readOnly: false)
                let path = device.path
                try HostFixture.check(
                    mount(path.string, target.string, "ext4", UInt(MS_NOSUID | MS_NODEV), nil), "mount")
                try device.close()
                let mounted = try LoopDevice.devices(backing: image).map(\.path) == [path]
                let released = try BlockDevice.isReleased(path)
                try HostFixture.check(umount2(target.string, 0), "umount2")
                return (mounted, released)
            }
            #expect(mounted)
            #expect(!released)
            #expect(try folder.loopDevicesLeft() == [])
        }
    }

    @Test func `The node is made where the device folder has none, with the numbers that the driver says`() async throws
    {
        try await HostFolder.with { folder in
            let image = try folder.makeFile("image", size: 1 << 20)
            let nodes = try folder.makeFolder("dev")
            var control = stat()
            try #require(stat("/dev/loop-control", &control) == 0)
            try #require(mknod(nodes.appending("loop-control").string, S_IFCHR | 0o600, control.st_rdev) == 0)
            let driver = LoopDriver(deviceFolder: nodes)
            let opened = try LoopDevice.openImage(image, readOnly: false)
            let device = try LoopDevice.attach(image: opened, named: image, readOnly: false, through: driver)
            #expect(device.path == nodes.appending("loop\(device.number)"))
            var made = stat()
            var kept = stat()
            try #require(stat(device.path.string, &made) == 0 && stat("/dev/loop\(device.number)", &kept) == 0)
            #expect(made.st_rdev == kept.st_rdev && made.st_mode == S_IFBLK | 0o600)
            try device.close()
            try opened.close()
        }
    }

    @Test func `A node of another device under the loop device's name is refused`() async throws {
        try await HostFolder.with { folder in
            let image = try folder.makeFile("image", size: 1 << 20)
            let device = try LoopDevice.attach(image: image, readOnly: true)
            let number = device.number
            let nodes = try folder.makeFolder("dev")
            var other = stat()
            try #require(stat("/dev/loop\(number == 0 ? 1 : 0)", &other) == 0)
            try #require(mknod(nodes.appending("loop\(number)").string, S_IFBLK | 0o600, other.st_rdev) == 0)
            let error = try HostFixture.systemCallError {
                _ = try LoopDriver(deviceFolder: nodes).openDevice(number, readOnly: true)
            }
            #expect(error.subject?.contains("not the device that its name says") == true)
            try device.close()
        }
    }

    @Test func `No driver is an error that says so`() async throws {
        try await HostFolder.with { folder in
            let error = try HostFixture.systemCallError { _ = try LoopDriver(deviceFolder: folder.path).openControl() }
            #expect(error.errno == .noSuchFileOrDirectory)
            #expect(error.subject?.contains("no loop driver") == true)
        }
    }

    @Test func `Only a regular file without a symbolic link in its path is an image`() async throws {
        try await HostFolder.with { folder in
            let image = try folder.makeFile("image", size: 1 << 20)
            try folder.makeFolder("inner")
            try #require(symlink(image.string, folder.appending("link").string) == 0)
            try #require(symlink(".", folder.appending("here").string) == 0)
            try #require(mkfifo(folder.appending("fifo").string, 0o600) == 0)
            let cases: [(FilePath, Errno)] = [
                (folder.appending("link"), .tooManySymbolicLinkLevels),
                (folder.appending("here").appending("image"), .tooManySymbolicLinkLevels),
                (folder.appending("fifo"), .invalidArgument),
                (folder.appending("inner"), .invalidArgument),
                ("/dev/null", .invalidArgument),
                ("image", .invalidArgument),
                (folder.appending("missing"), .noSuchFileOrDirectory),
            ]
            for (path, errno) in cases {
                let error = try HostFixture.systemCallError { _ = try LoopDevice.attach(image: path, readOnly: true) }
                #expect(error.errno == errno, "\(path)")
            }
        }
    }

    @Test func `An image open for reading only is not attached read-write`() async throws {
        try await HostFolder.with { folder in
            let image = try folder.makeFile("image", size: 1 << 20)
            let opened = try LoopDevice.openImage(image, readOnly: true)
            let error = try HostFixture.systemCallError { [number = opened.rawValue] in
                let again = OwnedDescriptor(owning: dup(number))
                _ = try LoopDevice.attach(image: again, named: image, readOnly: false)
            }
            #expect(error.errno == .readOnlyFileSystem)
            try opened.close()
        }
    }

    @Test func `A device without a file has no status, and what is no loop device is refused`() async throws {
        try await HostFolder.with { folder in
            let image = try folder.makeFile("image", size: 1 << 20)
            #expect(throws: SystemCallError.self) { try LoopDevice.status(ofDeviceAt: "/dev/null") }
            #expect(throws: SystemCallError.self) { try LoopDevice.status(ofDeviceAt: image) }
        }
    }
}
