// SPDX-License-Identifier: Apache-2.0

import CLinux
import Filesystems
import Foundation
import LinuxMount
import MountModel
import MountTestSupport
import SystemPackage
import Testing

@testable import MountWorker

/// A folder with all that workers work on.
final class WorkerSite: Sendable {
    let folder: FilePath
    let root: ManagedRoot
    let parking: ParkingLot
    /// With an empty ext4 filesystem.
    var image: FilePath { folder.appending("disk.img") }
    let program: WorkerProgram

    private init(_ folder: FilePath) throws {
        self.folder = folder
        root = try ManagedRoot.prepare(at: folder.appending("root"))
        parking = try ParkingLot.prepare(at: folder.appending("parking"))
        program = WorkerProgram(
            path: FilePath(Program.beside("holdfast-worker")),
            arguments: ["root", "parking", "locks"].map { folder.appending($0).string })
    }

    /// Runs the body; afterwards no process, descriptor, mount or loop device of it may be left.
    static func with(_ body: (WorkerSite) throws -> Void) throws {
        let before = try Before()
        do {
            let site = try WorkerSite(before.folder)
            try body(site)
            try site.release()
        }
        try before.compare()
    }

    /// The same for what waits.
    static func with(_ body: (WorkerSite) async throws -> Void) async throws {
        let before = try Before()
        do {
            let site = try WorkerSite(before.folder)
            try await body(site)
            try site.release()
        }
        try before.compare()
    }

    private func release() throws {
        try root.release()
        try parking.release()
    }

    /// What there was before.
    private struct Before {
        let folder: FilePath
        private let children: Set<Int32>
        private let descriptors: [String: String]

        /// Makes the folder, with an image in it.
        init() throws {
            try PrivateNamespace.require()
            var template = Array("/tmp/holdfast-worker-XXXXXX".utf8CString)
            try #require(mkdtemp(&template) != nil)
            folder = FilePath(platformString: template)
            try #require(chmod(folder.string, 0o755) == 0)
            // First of all: Foundation keeps descriptors when it has run a program.
            let image = folder.appending("disk.img").string
            try Program.run("truncate", "-s", "4M", image)
            try Program.run("mkfs.ext4", "-q", "-F", image)
            (children, descriptors) = try (OwnProcesses.children(), OwnProcesses.descriptors())
        }

        func compare() throws {
            #expect(try OwnProcesses.children().subtracting(children) == [], "processes left")
            let left = try OwnProcesses.descriptors().filter { descriptors[$0.key] == nil }
            #expect(left.isEmpty, "descriptors left")
            #expect(try MountTable(.mountinfo).entries(beneath: folder).isEmpty)
            try FileManager.default.removeItem(atPath: folder.string)
        }
    }

    /// What ends questions to the filesystem of that device.
    static func connection(of device: DeviceNumber) throws(SystemCallError) -> FuseConnection {
        guard let connection = try FuseConnection.open(device: device) else {
            throw SystemCallError("openat2", .noSuchFileOrDirectory, on: "fusectl")
        }
        return connection
    }

    /// The locks, as another process has them open.
    func locks() throws -> OperationLocks { try OperationLocks(at: folder.appending("locks")) }

    static func recipe(
        _ type: String, _ medium: MountRecipe.Medium = .none, _ attributes: RecipeAttributes = []
    ) -> MountRecipe {
        MountRecipe(
            filesystem: FilesystemType(rawValue: type), medium: medium, parameters: [], attributes: attributes,
            exclusiveSuperblock: false)
    }

    /// Mounts a filesystem that never answers, runs the body with a path in it, and unmounts it.
    func withSilentSource(_ body: (FilePath) throws -> Void) throws {
        let silent = try SilentFilesystem()
        let id = try place(silent.mount(), at: "silent")
        try body(root.path.appending("silent/disk.img"))
        try end(id, at: "silent")
        _ = consume silent
    }

    /// Attaches the mount beneath the root.
    func place(_ mount: consuming DetachedMount, at name: FilePath) throws -> KernelMountID {
        let target = try root.target(name)
        let id = mount.id
        _ = try target.prepareFolder()
        try #require(try target.place(mount, parking: parking) == .placed)
        #expect(try target.topmost() == .mount(id))
        return id
    }

    /// Unmounts it by this process, and removes its folder.
    func end(_ id: KernelMountID, at name: FilePath) throws {
        let target = try root.target(name)
        #expect(try target.unmountExactly(id, parking: parking) == .unmounted)
        try target.removeFolder()
    }

    /// Waits until no loop device has the image: whoever lists them holds each open for a moment.
    func waitUntilReleased(_ image: FilePath) throws {
        while try !LoopDevice.devices(backing: image).isEmpty { sched_yield() }
    }
}
