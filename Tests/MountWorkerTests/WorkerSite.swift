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
final class WorkerSite {
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
        program = try WorkerProgram(
            path: FilePath(Program.beside("holdfast-worker")),
            arguments: ["root", "parking", "locks"].map { folder.appending($0).string })
    }

    /// Runs the body; afterwards no process, descriptor, mount or loop device of it may be left.
    static func with(_ body: (WorkerSite) throws -> Void) throws {
        try PrivateNamespace.require()
        var template = Array("/tmp/holdfast-worker-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let folder = FilePath(platformString: template)
        try #require(chmod(folder.string, 0o755) == 0)
        // First of all: Foundation keeps descriptors when it has run a program.
        let image = folder.appending("disk.img").string
        try Program.run("truncate", "-s", "4M", image)
        try Program.run("mkfs.ext4", "-q", "-F", image)
        let (children, descriptors) = try (OwnProcesses.children(), OwnProcesses.descriptors())
        try run(in: folder, body)
        #expect(try OwnProcesses.children().subtracting(children) == [], "processes left")
        let left = try OwnProcesses.descriptors().filter { descriptors[$0.key] == nil }
        #expect(left.isEmpty, "descriptors left")
        #expect(try MountTable(.mountinfo).entries(beneath: folder).isEmpty)
        try FileManager.default.removeItem(atPath: folder.string)
    }

    private static func run(in folder: FilePath, _ body: (WorkerSite) throws -> Void) throws {
        let site = try WorkerSite(folder)
        try body(site)
        try site.root.release()
        try site.parking.release()
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
