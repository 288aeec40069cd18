// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage
import Testing

@testable import LinuxMount

extension RealKernel {
    /// The folders on the way to a target.
    @Suite struct TargetWayTests {
        @Test func `a folder on the way that is another user's is refused`() throws {
            try Sandbox.run { sandbox in
                #expect(mkdir(sandbox.root.path.appending("a").string, 0o755) == 0)
                #expect(chown(sandbox.root.path.appending("a").string, 1000, 1000) == 0)
                #expect(throws: SystemCallError.self) { try sandbox.root.target("a/b").prepareFolder() }
                #expect(access(sandbox.root.path.appending("a/b").string, F_OK) != 0)
            }
        }

        @Test func `a folder on the way that a killed process has left unfinished is finished, whatever the umask`()
            throws
        {
            try HostFolder.alone { folder in
                let previous = umask(0o077)
                defer { umask(previous) }
                for name in ["x", "x/root", "x/root/a"] {
                    let path = folder.appending(name).string
                    // As the kernel makes it, before its permissions are set.
                    try #require(mkdir(path, OwnedDescriptor.unfinished(0o755)) == 0)
                    #expect(try permissions(of: path) == 0o1700)
                }
                let root = try ManagedRoot.prepare(at: folder.appending("x/root"))
                let target = try root.target("a/b/c")
                _ = try target.prepareFolder()
                for name in ["x", "x/root", "x/root/a", "x/root/a/b"] {
                    #expect(try permissions(of: folder.appending(name).string) == 0o755, "\(name)")
                }
                try target.removeFolder()
                try root.release()
            }
        }

        @Test(arguments: [0o700, 0o711, 0o1755] as [mode_t])
        func `a folder on the way that its owner has closed stays closed`(mode: mode_t) throws {
            try Sandbox.run { sandbox in
                let way = sandbox.root.path.appending("a").string
                #expect(mkdir(way, 0o755) == 0)
                #expect(chmod(way, mode) == 0)
                let target = try sandbox.root.target("a/b")
                _ = try target.prepareFolder()
                #expect(try permissions(of: way) == mode)
                try target.removeFolder()
            }
        }

        @Test func `removing one target leaves the folders that another needs`() throws {
            try Sandbox.run { sandbox in
                let (first, firstID) = try sandbox.mountTmpfs(at: "a/b/c")
                let (second, secondID) = try sandbox.mountTmpfs(at: "a/b/d")
                try sandbox.end(first, firstID)
                #expect(try second.topmost() == .mount(secondID))
                try sandbox.end(second, secondID)
                #expect(access(sandbox.root.path.appending("a").string, F_OK) != 0)
            }
        }

        @Test func `folders on the way that are removed meanwhile are made again`() throws {
            try Sandbox.run { sandbox in
                let first = try sandbox.root.target("a/b/c")
                let second = try sandbox.root.target("a/b/d")
                // Each thread's removal takes away the folders that the other is about to use.
                let rounds = 200
                let other = Background { for _ in 0..<rounds { try second.prepareAndRemove() } }
                for _ in 0..<rounds { try first.prepareAndRemove() }
                try other.wait()
            }
        }
    }
}

private func permissions(of path: String) throws -> mode_t {
    var facts = stat()
    try #require(stat(path, &facts) == 0)
    return facts.st_mode & 0o7777
}
