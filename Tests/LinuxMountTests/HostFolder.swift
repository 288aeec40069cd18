// SPDX-License-Identifier: Apache-2.0

import Foundation
import LinuxMount
import SystemPackage
import Testing

/// A folder for one test, and the proof at its end that nothing of the test is left.
struct HostFolder {
    let path: FilePath

    /// Makes the folder, runs the test in it, looks for leaks, removes the folder.
    static func with(_ body: (HostFolder) async throws -> Void) async throws {
        var template = Array("/tmp/holdfast-host-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let folder = HostFolder(path: FilePath(platformString: template))
        do {
            try await body(folder)
        } catch {
            // The failure and what is then left over are both told.
            #expect(throws: Never.self) { try folder.remove() }
            throw error
        }
        #expect(try folder.descriptorsLeft() == [], "descriptors left")
        #expect(try folder.mountsLeft() == [], "mounts left")
        #expect(try folder.loopDevicesLeft() == [], "loop devices left")
        try folder.remove()
    }

    func appending(_ name: String) -> FilePath { path.appending(name) }

    /// A sparse file of that many bytes with these bytes in it.
    @discardableResult
    func makeFile(_ name: String, size: Int, _ pieces: [(offset: Int, bytes: [UInt8])] = []) throws -> FilePath {
        let file = appending(name)
        let descriptor = open(file.string, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0)
        try #require(ftruncate(descriptor, off_t(size)) == 0)
        for (offset, bytes) in pieces {
            try #require(pwrite(descriptor, bytes, bytes.count, off_t(offset)) == bytes.count)
        }
        try #require(close(descriptor) == 0)
        return file
    }

    @discardableResult
    func makeFolder(_ name: String, mode: mode_t = 0o700) throws -> FilePath {
        let folder = appending(name)
        try #require(mkdir(folder.string, 0o700) == 0)
        try #require(chmod(folder.string, mode) == 0)
        return folder
    }

    func descriptorsLeft() throws -> [String] {
        try HostFixture.openFiles().filter { $0.hasPrefix(path.string) }
    }

    func mountsLeft() throws -> [Substring] {
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
            for file in try files() where file.isRegular {
                left += try LoopDevice.devices(backing: file.path).map(\.path)
            }
            if left.isEmpty || ContinuousClock.now > end { return left }
            sched_yield()
        }
    }

    private func files() throws -> [(path: FilePath, isRegular: Bool)] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: path.string)
        return try names.map { name in
            var status = stat()
            try #require(lstat(appending(name).string, &status) == 0)
            return (appending(name), status.st_mode & S_IFMT == S_IFREG)
        }
    }

    private func remove() throws {
        // Deepest first, one at a time: a mount that was missed makes this fail instead of emptying it.
        for file in try files().map(\.path).sorted(by: { $0.components.count > $1.components.count }) {
            try #require(Glibc.remove(file.string) == 0, "\(file)")
        }
        try #require(rmdir(path.string) == 0)
    }
}
