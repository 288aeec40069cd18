// SPDX-License-Identifier: Apache-2.0

import CLinux
import Foundation
import LinuxMount
import Logging
import MountManager
import MountModel
import MountTestSupport
import SystemPackage
import Testing

/// This host's kernel as a world: a tmpfs of its own in the private mount namespace, and everything of the world on it.
final class LinuxWorld: World {
    let folder: FilePath
    let linux: LinuxExecutor
    let changes: any MountChangeSource
    let own: [MountID: String]
    let outsider: Outsider
    /// Whether changes are told mount by mount.
    let tellsMounts: Bool
    private let host: KernelMountID
    private let root: ManagedRoot
    private let parking: ParkingLot
    /// The host's filesystem without anything that is mounted on it.
    private let bareHost: OwnedDescriptor
    var executor: any MountExecutor { linux }

    private init(at folder: FilePath, files: [String: [UInt8]], _ interlude: Interlude) throws {
        self.folder = folder
        outsider = Outsider(folder: folder)
        for name in ["source", "elsewhere", "elsewhere/1", "elsewhere/2"] {
            try Outsider.check(mkdir(folder.string + "/" + name, 0o755))
        }
        for file in Source.files {
            let content = Data(files[file.name] ?? Array("nothing that a filesystem begins with".utf8))
            try content.write(to: URL(filePath: folder.string + "/source/" + file.name))
        }
        root = try ManagedRoot.prepare(at: folder.appending("root"))
        parking = try ParkingLot.prepare(at: folder.appending("parking"))
        linux = LinuxExecutor(root: root, parking: parking, threads: 1, steps: interlude.steps)
        bareHost = try DetachedMount(cloning: folder).releaseDescriptor()
        host = try #require(try MountTable.current.entries(at: folder).last).id
        own = [
            MountID(rawValue: host.rawValue): "host", MountID(rawValue: root.id.rawValue): "root",
            MountID(rawValue: parking.id.rawValue): "parking",
        ]
        let changes = try LinuxMountChanges(logger: Logger(label: "conformance") { _ in SwiftLogNoOpLogHandler() })
        self.changes = changes
        tellsMounts = changes.mechanism == "fanotify"
    }

    /// Makes a world, runs the body in it, and makes sure that nothing of it is left: mounts, descriptors, loop
    /// devices.
    static func with(
        files: [String: [UInt8]], _ interlude: Interlude, _ body: (LinuxWorld) async throws -> Void
    ) async throws {
        try PrivateNamespace.require()
        var template = Array("/tmp/holdfast-conformance-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let folder = FilePath(platformString: template)
        let before = try openFiles()
        try Outsider.check(Glibc.mount("host", folder.string, "tmpfs", 0, "mode=755,nr_inodes=10000"))
        do {
            let world = try LinuxWorld(at: folder, files: files, interlude)
            var failure: (any Error)?
            do { try await body(world) } catch { failure = error }
            try await world.linux.shutDown()
            try world.outsider.end()
            try world.unmountAll()
            #expect(try world.loopDevices(expected: 0) == 0, "loop devices left")
            if let failure { throw failure }
        } catch {
            try remove(folder)
            throw error
        }
        try remove(folder)
        // The runtime makes its timer once and keeps it; the product has none.
        let left = try openFiles().filter { before[$0.key] == nil && $0.value != "anon_inode:[timerfd]" }
        #expect(left.isEmpty, "descriptors left")
    }

    private static func openFiles() throws -> [String: String] {
        var files: [String: String] = [:]
        for number in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            // The one that listed them is closed by now.
            files[number] = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")
        }
        return files
    }

    /// Everything on the world's filesystem; that itself is `remove`'s.
    private func unmountAll() throws {
        for entry in try MountTable.current.entries(beneath: folder).reversed() {
            guard let path = entry.mountpoint else { continue }
            // What was attached to it is gone with it.
            _ = umount2(path.string, Int32(MNT_DETACH) | Int32(UMOUNT_NOFOLLOW))
        }
        #expect(try MountTable.current.entries(beneath: folder).isEmpty, "mounts left")
    }

    private static func remove(_ folder: FilePath) throws {
        try Outsider.check(umount2(folder.string, Int32(MNT_DETACH)))
        try Outsider.check(rmdir(folder.string))
    }

    // MARK: - World

    func perform(_ act: Act) throws(Errno) { try outsider.perform(act) }

    func park(_ id: MountID, from mountpoint: Mountpoint) throws -> Bool {
        var relative = mountpoint.path
        let isBeneath = relative.removePrefix(root.path)
        try #require(isBeneath)
        guard try root.isVisible() else { return false }
        return try root.target(relative).park(KernelMountID(rawValue: id.rawValue), in: parking) == .parked
    }

    func mounts() throws -> [ListedMount] {
        // Only what is beneath: a namespace that was filled has a hundred thousand others.
        try MountTable.current.descendants(of: host).compactMap { id in
            guard let entry = try MountTable.current.entry(id), let path = entry.mountpoint?.string else { return nil }
            return ListedMount(
                id: MountID(rawValue: id.rawValue), parent: MountID(rawValue: entry.parentID.rawValue), path: path)
        }
    }

    func folders() throws -> [String: Bool] {
        let bare = "/proc/self/fd/\(bareHost.rawValue)/root"
        var found: [String: Bool] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: bare) {
            var status = stat()
            try Outsider.check(lstat(bare + "/" + name, &status))
            let isClosed = status.st_mode & S_IFMT == S_IFDIR && status.st_mode & 0o7777 == 0 && status.st_uid == 0
            found["\(folder)/root/\(name)"] = isClosed
        }
        return found
    }

    func loopDevices(expected: Int?) throws -> Int {
        let end = ContinuousClock.now + .seconds(5)
        while true {
            var count = 0
            for name in try FileManager.default.contentsOfDirectory(atPath: "/sys/block") where name.hasPrefix("loop") {
                // A device without a file has no such entry; one may end just now.
                let file = try? String(contentsOfFile: "/sys/block/\(name)/loop/backing_file", encoding: .utf8)
                if file?.hasPrefix(folder.string + "/") == true { count += 1 }
            }
            guard let expected, count != expected, ContinuousClock.now < end else { return count }
            sched_yield()
        }
    }
}
