// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage
import Testing

@testable import LinuxMount

extension RealKernel {
    /// Which folders beneath the root are Holdfast's.
    @Suite struct PreparedFoldersTests {
        @Test func `folders that are removed while the prepared ones are listed hide no others`() throws {
            try Sandbox.run { sandbox in
                let kept = try sandbox.root.target("kept")
                _ = try kept.prepareFolder()
                let (other, otherID) = try sandbox.mountTmpfs(at: "mounted")
                let passing = try sandbox.root.target("a/b/c")
                let ended = Flag()
                let background = Background {
                    defer { ended.set() }
                    for _ in 0..<300 { try passing.prepareAndRemove() }
                }
                while !ended.isSet {
                    #expect(try sandbox.root.preparedFolders().contains("kept"))
                    #expect(try sandbox.root.preparedFolders().contains("mounted"))
                }
                try background.wait()
                try kept.removeFolder()
                try sandbox.end(other, otherID)
            }
        }

        @Test func `listing the prepared folders is no step of a build`() throws {
            try Sandbox.run { sandbox in
                let target = try sandbox.root.target("kept")
                _ = try target.prepareFolder()
                let reached = Notes()
                let steps = KernelSteps { point in reached.append(point.name) }
                let found = try steps.bound { () throws(SystemCallError) in try sandbox.root.preparedFolders() }
                #expect(found == ["kept"])
                #expect(reached.lines.isEmpty)
                // The hook hears of such a clone where it is a build's.
                let path = sandbox.root.path
                try steps.bound { () throws(SystemCallError) in _ = try DetachedMount(cloning: path).id }
                #expect(reached.lines.contains { $0.hasPrefix(KernelCall.cloneMount.rawValue) })
                try target.removeFolder()
            }
        }

        @Test func `a folder that was not prepared is not listed, whatever is mounted on it, and ours is`() throws {
            try Sandbox.run { sandbox in
                let strange = sandbox.root.path.appending("strange").string
                #expect(mkdir(strange, 0o755) == 0)
                #expect(mount("tmpfs", strange, "tmpfs", 0, nil) == 0)
                let (ours, id) = try sandbox.mountTmpfs(at: "a/ours")
                #expect(try sandbox.root.preparedFolders() == ["a/ours"])
                try sandbox.end(ours, id)
                #expect(umount2(strange, 0) == 0)
                #expect(rmdir(strange) == 0)
            }
        }
    }
}
