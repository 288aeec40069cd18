// SPDX-License-Identifier: Apache-2.0

import Foundation
import LinuxMount
import MountTestSupport
import SystemPackage
import Testing

/// A folder for one test in a private mount namespace, and the proof at its end that nothing of the test is left.
struct HostFolder {
    let path: FilePath

    /// Makes the folder, runs the test in it, looks for leaks, removes the folder.
    static func with(_ body: (HostFolder) async throws -> Void) async throws {
        let folder = try HostFolder()
        do {
            try await body(folder)
        } catch {
            // The failure and what is then left over are both told.
            folder.end(hasFailed: true)
            throw error
        }
        folder.end(hasFailed: false)
    }

    /// The same for a test on one thread while no other runs: no descriptor of the whole process may stay open.
    static func alone(_ body: (HostFolder) throws -> Void) throws {
        let folder = try HostFolder()
        let before = try HostFixture.openFiles()
        do {
            try body(folder)
        } catch {
            folder.end(hasFailed: true)
            throw error
        }
        let left = try HostFixture.openFiles().filter { before[$0.key] == nil }
        #expect(left.isEmpty, "descriptors left")
        folder.end(hasFailed: false)
    }

    private init() throws {
        try PrivateNamespace.require()
        var template = Array("/tmp/holdfast-host-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        path = FilePath(platformString: template)
        try #require(chmod(path.string, 0o755) == 0)
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
}
