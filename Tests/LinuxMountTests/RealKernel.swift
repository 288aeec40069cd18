// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import LinuxMount
import SystemPackage
import Testing

/// The tests that mount: one at a time, for they check the process's descriptors and the namespace's mounts.
@Suite(.serialized, .timeLimit(.minutes(5))) enum RealKernel {}

/// A test's folder with a managed root and a parking lot.
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
        try HostFolder.alone { folder in
            let sandbox = try Sandbox(folder.path, table)
            try body(sandbox)
            try #require(sandbox.parking.slots() == [])
            try sandbox.root.release()
            try sandbox.parking.release()
        }
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
