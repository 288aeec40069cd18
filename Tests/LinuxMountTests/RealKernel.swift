// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import LinuxMount
import SystemPackage
import Testing

/// The tests that mount: one at a time, for they check the process's descriptors and the namespace's mounts.
@Suite(.serialized, .timeLimit(.minutes(5))) enum RealKernel {}

/// A temporary folder with a managed root and a parking lot, and a check that a test leaves nothing behind.
final class Sandbox {
    let folder: FilePath
    let table: MountTable
    let root: ManagedRoot
    let parking: ParkingLot

    private init(_ folder: FilePath, _ table: MountTable) throws {
        self.folder = folder
        self.table = table
        root = try ManagedRoot.prepare(at: folder.appending("root"), table: table)
        parking = try ParkingLot.prepare(at: folder.appending("parking"), table: table)
    }

    /// Runs a test in a sandbox of its own; afterwards all must be as before: mounts, descriptors, folders.
    static func run(table: MountTable = .current, _ body: (Sandbox) throws -> Void) throws {
        try withFolder { folder in
            let sandbox = try Sandbox(folder, table)
            try body(sandbox)
            try #require(sandbox.parking.slots() == [])
            try sandbox.root.release()
            try sandbox.parking.release()
        }
    }

    /// Runs a test with a folder of its own and checks that nothing of it stays.
    static func withFolder(_ body: (FilePath) throws -> Void) throws {
        try requirePrivateNamespace()
        var template = Array("/tmp/holdfast-mount-test-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let folder = FilePath(platformString: template)
        try #require(chmod(folder.string, 0o755) == 0)
        let descriptors = openDescriptors()
        defer { cleanUp(folder) }
        try body(folder)
        #expect(Set(openDescriptors()).subtracting(descriptors).isEmpty, "descriptors were left open")
    }

    /// Takes away what a failed test left, from the top down; a test that passed leaves nothing but plain folders.
    private static func cleanUp(_ folder: FilePath) {
        do {
            for entry in try MountTable.current.entries(beneath: folder).reversed() {
                guard let mountpoint = entry.mountpoint else { continue }
                Issue.record("left mounted: \(mountpoint) (\(entry.filesystemType))")
                _ = mountpoint.withPlatformString { hf_umount($0, HF_MNT_DETACH | HF_UMOUNT_NOFOLLOW) }
            }
            // Never removes through a mount.
            try #require(try MountTable.current.entries(beneath: folder).isEmpty)
            removeTree(folder)
            #expect(access(folder.string, F_OK) != 0, "the test's folder is still there")
        } catch {
            Issue.record(error, "the test's folder could not be cleaned up")
        }
    }

    /// The numbers of all open descriptors, but for the one that reads them.
    static func openDescriptors() -> [String] {
        guard let directory = opendir("/proc/self/fd") else { return [] }
        defer { closedir(directory) }
        let own = String(dirfd(directory))
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != own, name.first != "." { names.append(name) }
        }
        return names.sorted()
    }

    /// Mounting in the machine's own namespace would be seen by everybody on it.
    ///
    /// Ids in mountinfo are unique among all namespaces at one moment, so two tables of the same namespace share theirs and
    /// two of different ones share none. (The link `/proc/1/ns/mnt` cannot be read everywhere.)
    private static func requirePrivateNamespace() throws {
        let own = Set(try MountInfo.parse(try contents("/proc/self/mountinfo")).map(\.id))
        let machine = Set(try MountInfo.parse(try contents("/proc/1/mountinfo")).map(\.id))
        try #require(
            getuid() == 0 && !own.isEmpty && !machine.isEmpty && own.isDisjoint(with: machine),
            """
            these tests mount and need root in a private mount namespace: \
            unshare --mount --propagation private swift test
            """)
    }

    private static func contents(_ path: String) throws -> [UInt8] {
        let file = OwnedDescriptor(owning: open(path, O_RDONLY | O_CLOEXEC))
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = try SystemCallError.check(hf_read(file.rawValue, &buffer, buffer.count), "read", on: path)
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
        }
    }

    /// Removes the test's own temporary folder; by then nothing is mounted in it.
    private static func removeTree(_ folder: FilePath) {
        let descriptor = open(folder.string, O_RDONLY | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        var flags: UInt32 = 0
        if hf_get_inode_flags(descriptor, &flags) == 0, flags & UInt32(HF_FS_IMMUTABLE_FL) != 0 {
            Issue.record("left immutable: \(folder)")
            _ = hf_set_inode_flags(descriptor, flags & ~UInt32(HF_FS_IMMUTABLE_FL))
        }
        var names: [FilePath] = []
        if let directory = fdopendir(descriptor) {
            while let entry = readdir(directory) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
                if name != Array(".".utf8), name != Array("..".utf8) {
                    names.append(FilePath(platformString: name.map { CChar(bitPattern: $0) } + [0]))
                }
            }
            closedir(directory)
        }
        for name in names {
            let path = folder.appending(name.components)
            if path.withPlatformString({ unlink($0) }) != 0 { removeTree(path) }
        }
        _ = folder.withPlatformString { rmdir($0) }
    }
}

extension Sandbox {
    /// A tmpfs that is attached nowhere.
    static func tmpfs(source: String = "test", options: [(String, String)] = []) throws -> DetachedMount {
        var context = try FilesystemContext(type: "tmpfs")
        try context.setString("source", source)
        for (name, value) in options { try context.setString(name, value) }
        try context.create()
        return try context.mount(attributes: [.noSetUserID, .noDevices])
    }

    /// Prepares a target and mounts a tmpfs there.
    func mountTmpfs(at relative: FilePath) throws -> (target: TargetPath, id: KernelMountID) {
        let target = try root.target(relative)
        _ = try target.prepareFolder()
        return (target, try placeTmpfs(at: target))
    }

    func placeTmpfs(at target: TargetPath) throws -> KernelMountID {
        let mount = try Self.tmpfs()
        let unique = mount.id
        try #require(try target.place(mount, parking: parking) == .placed)
        guard case .mount(let id) = try target.topmost() else {
            throw SystemCallError("statx", .noSuchFileOrDirectory)
        }
        if table == .current { #expect(id == unique) }
        return id
    }

    /// Unmounts ours and removes its folder, as a test's last step.
    func end(_ target: TargetPath, _ id: KernelMountID) throws {
        #expect(try target.unmountExactly(id, parking: parking) == .unmounted)
        try target.removeFolder()
    }

    /// Mounts by path, as any other program would: over whatever is there.
    @discardableResult
    static func mountForeign(at path: FilePath) throws -> KernelMountID {
        let mount = try tmpfs(source: "foreign")
        let id = mount.id
        let moved = path.withPlatformString {
            hf_move_mount(mount.descriptorNumber, "", -100, $0, UInt32(HF_MOVE_MOUNT_F_EMPTY_PATH))
        }
        try SystemCallError.check(moved, "move_mount")
        return id
    }

    /// Unmounts what is on top, as any other program would.
    static func unmountForeign(at path: FilePath) throws {
        try SystemCallError.check(path.withPlatformString { hf_umount($0, HF_UMOUNT_NOFOLLOW) }, "umount2")
    }

    /// Runs the test body once with each method of the mount table.
    static let tables = MountTable.Method.allCases.map(MountTable.init)
}

/// What a call of the C library said: nil for success.
func refusal(_ result: CInt) -> Errno? { result < 0 ? Errno(rawValue: Glibc.errno) : nil }
