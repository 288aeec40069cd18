// SPDX-License-Identifier: Apache-2.0

import Foundation
import LinuxMount
import SystemPackage
import Testing

@Suite struct FileLockTests {
    @Test func `The second to come is told who holds the lock, and gets it after the release`() async throws {
        try await HostFolder.with { folder in
            let path = folder.appending("lock")
            let lock = try FileLock.acquire(at: path)
            let error = try HostFixture.systemCallError { _ = try FileLock.acquire(at: path) }
            #expect(error.errno == .wouldBlock)
            #expect(error.subject == "\(path) (held by pid \(getpid()))")
            try lock.release()
            try FileLock.acquire(at: path).release()
            var status = stat()
            try #require(stat(path.string, &status) == 0)
            #expect(status.st_mode == S_IFREG | 0o600)
        }
    }

    @Test func `A program that the holder starts does not inherit the lock`() async throws {
        try await HostFolder.with { folder in
            let path = folder.appending("lock")
            let lock = try FileLock.acquire(at: path)
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/cat")
            let input = Pipe()
            process.standardInput = input
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            // The program runs until its input ends, which is after this.
            let inherited = try HostFixture.openFiles(of: process.processIdentifier).values
            try input.fileHandleForWriting.close()
            process.waitUntilExit()
            #expect(inherited.contains("/dev/null") && !inherited.contains(path.string))
            try lock.release()
        }
    }

    @Test func `The lock of a process that was killed is free, and its id in the file does no harm`() async throws {
        try await HostFolder.with { folder in
            let path = folder.appending("lock")
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/flock")
            // Tells that it has the lock, then waits for the end of its input.
            process.arguments = ["--no-fork", path.string, "/bin/sh", "-c", "echo locked; exec cat"]
            let input = Pipe()
            let output = Pipe()
            process.standardInput = input
            process.standardOutput = output
            try folder.makeFile("lock", size: 0)
            try process.run()
            #expect(output.fileHandleForReading.availableData == Data("locked\n".utf8))
            let error = try HostFixture.systemCallError { _ = try FileLock.acquire(at: path) }
            #expect(error.subject == "\(path) (held by another process)")
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            try "99999999\n".write(toFile: path.string, atomically: false, encoding: .utf8)
            let lock = try FileLock.acquire(at: path)
            #expect(try String(contentsOfFile: path.string, encoding: .utf8) == "\(getpid())\n")
            try lock.release()
        }
    }

    @Test func `The lock of a process that is about to end is waited for`() async throws {
        try await HostFolder.with { folder in
            let path = folder.appending("lock")
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/flock")
            process.arguments = ["--no-fork", path.string, "/bin/sh", "-c", "echo locked; exec cat"]
            let (input, output) = (Pipe(), Pipe())
            process.standardInput = input
            process.standardOutput = output
            try folder.makeFile("lock", size: 0)
            try process.run()
            #expect(output.fileHandleForReading.availableData == Data("locked\n".utf8))
            let error = try HostFixture.systemCallError {
                _ = try FileLock.acquire(at: path, waiting: .milliseconds(50))
            }
            #expect(error.errno == .wouldBlock)
            let waiting = Thread {
                // Whoever waits is sure to have begun by now, or it begins too late to notice; both are right.
                kill(process.processIdentifier, SIGKILL)
            }
            waiting.start()
            try FileLock.acquire(at: path, waiting: .seconds(60)).release()
            process.waitUntilExit()
        }
    }

    @Test func `On a read-only filesystem the file is locked as it is, or its folder where there is none`() async throws
    {
        try await HostFolder.with { folder in
            let path = folder.appending("lock")
            for hasFile in [true, false] {
                try #require(mount("tmpfs", folder.path.string, "tmpfs", 0, "size=1m,mode=0700") == 0)
                if hasFile { try FileLock.acquire(at: path).release() }
                let flags = UInt(MS_REMOUNT) | UInt(MS_RDONLY)
                try #require(mount("none", folder.path.string, nil, flags, nil) == 0)
                let lock = try FileLock.acquire(at: path)
                let error = try HostFixture.systemCallError { _ = try FileLock.acquire(at: path) }
                #expect(error.errno == .wouldBlock)
                try lock.release()
                try FileLock.acquire(at: path).release()
                #expect(umount2(folder.path.string, 0) == 0)
            }
        }
    }

    @Test func `Whoever looks is told who holds the lock, and keeps nobody from it`() async throws {
        try await HostFolder.with { folder in
            let path = folder.appending("lock")
            #expect(try FileLock.holder(at: path) == nil)
            #expect(!FileManager.default.fileExists(atPath: path.string))
            let lock = try FileLock.acquire(at: path)
            #expect(try FileLock.holder(at: path) == "pid \(getpid())")
            try lock.release()
            #expect(try FileLock.holder(at: path) == nil)
            try FileLock.acquire(at: path).release()
        }
    }

    @Test func `A full disk does not keep the lock from being taken`() async throws {
        try await HostFolder.with { folder in
            try #require(mount("tmpfs", folder.path.string, "tmpfs", 0, "size=64k,mode=0700") == 0)
            let path = folder.appending("lock")
            #expect(FileManager.default.createFile(atPath: path.string, contents: nil))
            try #require(chmod(path.string, 0o600) == 0)
            let filler = try FileDescriptor.open(
                folder.appending("filler"), .writeOnly, options: .create, permissions: .ownerReadWrite)
            let page = [UInt8](repeating: 0, count: 4096)
            #expect(throws: Errno.noSpace) { while true { _ = try filler.writeAll(page) } }
            try filler.close()
            let lock = try FileLock.acquire(at: path)
            let error = try HostFixture.systemCallError { _ = try FileLock.acquire(at: path) }
            #expect(error.subject == "\(path) (held by another process)")
            try lock.release()
            #expect(umount2(folder.path.string, 0) == 0)
        }
    }

    @Test func `Of 16 threads exactly one holds the lock`() async throws {
        try await HostFolder.with { folder in
            let path = folder.appending("lock")
            let crowd = Crowd(count: 16)
            let held = try await crowd.run { () -> Bool in
                do throws(SystemCallError) {
                    let lock = try FileLock.acquire(at: path)
                    crowd.waitForAll()
                    try lock.release()
                    return true
                } catch {
                    crowd.waitForAll()
                    guard error.errno == .wouldBlock else { throw error }
                    return false
                }
            }
            #expect(held.count { $0 } == 1)
        }
    }

    @Test func `Only an own, plain, unshared file is a lock`() async throws {
        try await HostFolder.with { folder in
            try folder.makeFile("target", size: 0)
            try #require(symlink("target", folder.appending("link").string) == 0)
            try #require(mkfifo(folder.appending("fifo").string, 0o600) == 0)
            try #require(chmod(try folder.makeFile("shared", size: 0).string, 0o666) == 0)
            try #require(chown(try folder.makeFile("foreign", size: 0).string, 65534, 65534) == 0)
            let cases: [(FilePath, Errno)] = [
                (folder.appending("link"), .tooManySymbolicLinkLevels),
                (folder.appending("fifo"), .invalidArgument),
                (folder.appending("shared"), .notPermitted),
                (folder.appending("foreign"), .notPermitted),
                (folder.path, .isDirectory),
                ("lock", .invalidArgument),
                (folder.appending("missing").appending("lock"), .noSuchFileOrDirectory),
            ]
            for (path, errno) in cases {
                #expect(
                    try HostFixture.systemCallError { _ = try FileLock.acquire(at: path) }.errno == errno, "\(path)")
            }
        }
    }

    @Test func `Binary rubbish in the file does not hide that it is held`() async throws {
        try await HostFolder.with { folder in
            let path = folder.appending("lock")
            let lock = try FileLock.acquire(at: path)
            try Data([0xff, 0x00, 0x0a]).write(to: URL(fileURLWithPath: path.string))
            let error = try HostFixture.systemCallError { _ = try FileLock.acquire(at: path) }
            #expect(error.subject == "\(path) (held by another process)")
            try lock.release()
        }
    }
}
