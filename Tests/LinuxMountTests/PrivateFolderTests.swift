// SPDX-License-Identifier: Apache-2.0

import Foundation
import LinuxMount
import SystemPackage
import Testing

@Suite struct PrivateFolderTests {
    @Test(arguments: [0o700, 0o711, 0o750] as [UInt32])
    func `A missing folder is created with just the mode asked for, and found in order afterwards`(
        mode: UInt32
    ) async throws {
        try await HostFolder.with { folder in
            let path = folder.appending("state")
            let made = try PrivateFolder.ensure(at: path, mode: mode)
            var status = stat()
            try #require(fstat(made.rawValue, &status) == 0)
            #expect(status.st_mode == S_IFDIR | mode && status.st_uid == geteuid())
            let again = try PrivateFolder.ensure(at: path, mode: mode)
            var found = stat()
            try #require(fstat(again.rawValue, &found) == 0)
            #expect(found.st_ino == status.st_ino)
            #expect(fcntl(again.rawValue, F_GETFD) & FD_CLOEXEC != 0)
            try made.close()
            try again.close()
        }
    }

    @Test(arguments: [0o701, 0o710, 0o750, 0o755, 0o770, 0o1777] as [mode_t])
    func `An existing folder that lets others in is refused with the command to run, and left as it is`(
        mode: mode_t
    ) async throws {
        try await HostFolder.with { folder in
            let path = try folder.makeFolder("state", mode: mode)
            let error = try HostFixture.systemCallError { _ = try PrivateFolder.ensure(at: path) }
            #expect(error.errno == .notPermitted)
            #expect(error.subject?.contains("chmod 0700 \(path)") == true)
            var status = stat()
            try #require(stat(path.string, &status) == 0)
            #expect(status.st_mode == S_IFDIR | mode)
        }
    }

    @Test func `A folder of another user is refused, and so is one beneath it`() async throws {
        try await HostFolder.with { folder in
            let path = try folder.makeFolder("state")
            try #require(chown(path.string, 65534, 65534) == 0)
            for path in [path, path.appending("inner")] {
                let error = try HostFixture.systemCallError { _ = try PrivateFolder.ensure(at: path) }
                #expect(error.errno == .notPermitted && error.subject?.contains("owned by uid 65534") == true)
            }
        }
    }

    @Test func `A parent that others can write is refused unless it is sticky`() async throws {
        try await HostFolder.with { folder in
            let open = try folder.makeFolder("open", mode: 0o777)
            let error = try HostFixture.systemCallError { _ = try PrivateFolder.ensure(at: open.appending("state")) }
            #expect(error.errno == .notPermitted && error.subject?.contains("chmod go-w \(open)") == true)
            let sticky = try folder.makeFolder("sticky", mode: 0o1777)
            try PrivateFolder.ensure(at: sticky.appending("state"))
        }
    }

    @Test func `A path must be absolute, plain, without links, and its parent must be there`() async throws {
        try await HostFolder.with { folder in
            try folder.makeFolder("real")
            try folder.makeFile("file", size: 0)
            try #require(symlink("real", folder.appending("link").string) == 0)
            try #require(symlink("nowhere", folder.appending("dangling").string) == 0)
            let cases: [(FilePath, Errno)] = [
                ("relative", .invalidArgument),
                ("/", .invalidArgument),
                (folder.appending("..").appending("state"), .invalidArgument),
                (folder.appending("link"), .tooManySymbolicLinkLevels),
                (folder.appending("dangling"), .tooManySymbolicLinkLevels),
                (folder.appending("link").appending("state"), .tooManySymbolicLinkLevels),
                (folder.appending("file"), .notDirectory),
                (folder.appending("missing").appending("state"), .noSuchFileOrDirectory),
            ]
            for (path, errno) in cases {
                let error = try HostFixture.systemCallError { _ = try PrivateFolder.ensure(at: path) }
                #expect(error.errno == errno, "\(path)")
            }
        }
    }
}
