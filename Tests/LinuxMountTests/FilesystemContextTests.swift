// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import LinuxMount
import SystemPackage
import Testing

extension RealKernel {
    @Suite struct FilesystemContextTests {
        @Test func `a tmpfs has the options and attributes that it was given`() throws {
            try Sandbox.run { sandbox in
                let target = try sandbox.root.target("a")
                _ = try target.prepareFolder()
                var context = try FilesystemContext(type: "tmpfs")
                try context.setString("source", "name")
                try context.setString("size", "128k")
                try context.setFlag("noswap")
                #expect(try context.create(exclusive: true) == KernelFeatures.current.hasExclusiveCreate)
                let mount = try context.mount(attributes: [.noExecute, .noSetUserID])
                let id = mount.id
                _ = consume context
                #expect(try target.place(mount, parking: sandbox.parking) == .placed)
                let entry = try #require(try sandbox.table.entry(id))
                #expect(entry.attributes == [.noExecute, .noSetUserID])
                #expect(entry.superblockOptions?.contains(KernelText("size=128k")) == true)
                #expect(entry.superblockOptions?.contains(KernelText("noswap")) == true)
                try sandbox.end(target, id)
            }
        }

        @Test func `a refused option says what the kernel says, and everything after it fails alike`() throws {
            try HostFolder.alone { _ in
                var context = try FilesystemContext(type: "tmpfs")
                let expected = SystemCallError(
                    "fsconfig", .invalidArgument, on: "nosuchoption",
                    kernelMessages: ["tmpfs: Unknown parameter 'nosuchoption'"])
                #expect(throws: expected) { try context.setString("nosuchoption", "secret") }
                #expect(throws: expected) { try context.setString("size", "1m") }
                #expect(throws: expected) { try context.create() }
                #expect(throws: expected) { _ = try context.mount(attributes: []).id }
            }
        }

        @Test func `an unknown type is named as such`() throws {
            try HostFolder.alone { _ in
                let expected = SystemCallError(
                    "fsopen", .operationNotSupportedByDevice, on: "nosuchfs",
                    kernelMessages: ["unknown filesystem type 'nosuchfs'"])
                #expect(throws: expected) { _ = try FilesystemContext(type: "nosuchfs").type }
            }
        }

        @Test func `a NUL in a name or a value is refused before the kernel cuts it off`() throws {
            try HostFolder.alone { _ in
                #expect(throws: SystemCallError.self) { _ = try FilesystemContext(type: "tmpfs\0x").type }
                var context = try FilesystemContext(type: "tmpfs")
                #expect(throws: SystemCallError.self) { try context.setString("size", "1m\0,mode=0777") }
                #expect(throws: SystemCallError.self) { try context.setString("size", "1m") }
            }
        }

        @Test func `a device that is not there is named by the kernel`() throws {
            try HostFolder.alone { _ in
                var context = try FilesystemContext(type: "ext4")
                try context.setString("source", "/dev/nonexistent")
                do throws(SystemCallError) {
                    try context.create()
                    Issue.record("it was created")
                } catch {
                    #expect(error.errno == .noSuchFileOrDirectory)
                    #expect(error.kernelMessages.contains { $0.contains("/dev/nonexistent") })
                }
            }
        }

        @Test func `an overlay shows its layers, and one without a lower layer is refused`() throws {
            try Sandbox.run { sandbox in
                for name in ["lower", "upper", "work"] {
                    #expect(mkdir(sandbox.folder.appending(name).string, 0o755) == 0)
                }
                #expect(close(creat(sandbox.folder.appending("lower/file").string, 0o644)) == 0)
                var context = try FilesystemContext(type: "overlay")
                try context.setString("source", "overlay")
                try context.setString("lowerdir", sandbox.folder.appending("lower").string)
                try context.setString("upperdir", sandbox.folder.appending("upper").string)
                try context.setString("workdir", sandbox.folder.appending("work").string)
                try context.create()
                let mount = try context.mount(attributes: [.noSetUserID, .noDevices])
                let id = mount.id
                _ = consume context
                let target = try sandbox.root.target("o/verlay")
                _ = try target.prepareFolder()
                #expect(try target.place(mount, parking: sandbox.parking) == .placed)
                #expect(access(target.path.appending("file").string, R_OK) == 0)
                #expect(close(creat(target.path.appending("new").string, 0o644)) == 0)
                #expect(access(sandbox.folder.appending("upper/new").string, R_OK) == 0)
                try sandbox.end(target, id)

                var incomplete = try FilesystemContext(type: "overlay")
                do throws(SystemCallError) {
                    try incomplete.create()
                    Issue.record("it was created")
                } catch {
                    #expect(error.errno == .invalidArgument)
                    #expect(error.kernelMessages.contains { $0.contains("lowerdir") }, "\(error)")
                }
            }
        }

        @Test func `a bind is read-only from its first moment, and its source stays writable`() throws {
            try Sandbox.run { sandbox in
                let source = sandbox.folder.appending("source")
                #expect(mkdir(source.string, 0o755) == 0)
                #expect(close(creat(source.appending("file").string, 0o644)) == 0)
                let mount = try DetachedMount(cloning: source)
                try mount.setAttributes([.readOnly, .noSetUserID, .noDevices, .noExecute])
                let id = mount.id
                let target = try sandbox.root.target("view")
                _ = try target.prepareFolder()
                #expect(try target.place(mount, parking: sandbox.parking) == .placed)
                #expect(access(target.path.appending("file").string, R_OK) == 0)
                #expect(refusal(creat(target.path.appending("new").string, 0o644)) == .readOnlyFileSystem)
                #expect(close(creat(source.appending("new").string, 0o644)) == 0)
                let entry = try #require(try sandbox.table.entry(id))
                #expect(entry.attributes == [.readOnly, .noSetUserID, .noDevices, .noExecute])
                #expect(entry.propagation == .private)
                try sandbox.end(target, id)
            }
        }

        @Test func `setting and clearing access times leaves no mixture`() throws {
            try Sandbox.run { sandbox in
                let mount = try Sandbox.tmpfs()
                try mount.setAttributes([.noAccessTime])
                try mount.setAttributes([.strictAccessTime, .noExecute])
                try mount.setAttributes([], clearing: [.strictAccessTime, .noDevices])
                let id = mount.id
                let target = try sandbox.root.target("a")
                _ = try target.prepareFolder()
                #expect(try target.place(mount, parking: sandbox.parking) == .placed)
                #expect(try sandbox.table.entry(id)?.attributes == [.noSetUserID, .noExecute])
                try sandbox.end(target, id)
            }
        }

        @Test func `the folder to bind is not looked for through a symbolic link`() throws {
            try HostFolder.alone { folder in
                #expect(mkdir(folder.appending("real").string, 0o755) == 0)
                #expect(mkdir(folder.appending("real/inner").string, 0o755) == 0)
                #expect(symlink("real", folder.appending("link").string) == 0)
                #expect(close(creat(folder.appending("file").string, 0o644)) == 0)
                let cases: [(FilePath, Errno)] = [
                    ("link", .tooManySymbolicLinkLevels), ("link/inner", .tooManySymbolicLinkLevels),
                    ("file", .notDirectory), ("missing", .noSuchFileOrDirectory),
                ]
                for (name, errno) in cases {
                    do throws(SystemCallError) {
                        _ = try DetachedMount(cloning: folder.path.appending(name.components)).id
                        Issue.record("\(name) was cloned")
                    } catch {
                        #expect(error.errno == errno)
                    }
                }
                #expect(throws: SystemCallError.self) { _ = try DetachedMount(cloning: "relative").id }
            }
        }

        @Test func `the descriptor of a detached mount can change its owner`() throws {
            try Sandbox.run { sandbox in
                let mount = try Sandbox.tmpfs()
                let id = mount.id
                let received = try DetachedMount(receiving: mount.releaseDescriptor())
                #expect(received.id == id)
                let target = try sandbox.root.target("a")
                _ = try target.prepareFolder()
                #expect(try target.place(received, parking: sandbox.parking) == .placed)
                try sandbox.end(target, id)
            }
        }
    }
}
