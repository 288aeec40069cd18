// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import HoldfastAPI
internal import LinuxMount
internal import MountTestSupport
internal import SystemPackage

/// A folder with all that a daemon and its load need: images, folders to bind, and where the daemon keeps its things.
struct World: Sendable {
    let folder: String
    let sources: [LoadSource]

    var mountRoot: String { folder + "/mnt" }
    var stateFolder: String { folder + "/state" }
    var runtimeFolder: String { folder + "/run" }
    var socket: String { runtimeFolder + "/holdfast.sock" }
    var client: APIClient { APIClient(socketPath: socket) }
    /// A tmpfs of the world's own: images, and the folders that are bound and overlaid.
    private var media: String { folder + "/media" }

    /// Makes everything; takes a second or two.
    ///
    /// - Throws: what could not be made.
    init() throws {
        try PrivateNamespace.require()
        var template = Array("/tmp/holdfast-torture-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil, let text = String(validating: template.dropLast(), as: UTF8.self) else {
            throw Complaint("mkdtemp: \(errno)")
        }
        folder = text
        try require(chmod(text, 0o755) == 0, "chmod \(text)")
        let media = text + "/media"
        try require(mkdir(media, 0o755) == 0, "mkdir \(media)")
        try require(mount("holdfast-media", media, "tmpfs", 0, "mode=0755") == 0, "mount \(media)")
        for name in ["shared", "private", "lower", "upper", "work", "tree"] {
            try require(mkdir(media + "/" + name, 0o755) == 0, "mkdir \(name)")
        }
        for (name, type, size) in [("a", "ext4", "16M"), ("b", "ext4", "16M"), ("c", "xfs", "300M")] {
            try Program.run("truncate", "-s", size, "\(media)/\(name).img")
            try Program.run("mkfs.\(type)", "-q", "\(media)/\(name).img")
        }
        try Data("squashed\n".utf8).write(to: URL(fileURLWithPath: media + "/tree/file"))
        try Program.run("mksquashfs", media + "/tree", media + "/tree.img", "-quiet", "-no-progress")
        try Data(repeating: 0x5a, count: 1 << 20).write(to: URL(fileURLWithPath: media + "/broken.img"))
        sources = Self.sources(media: media, mountRoot: text + "/mnt")
    }

    private static func sources(media: String, mountRoot: String) -> [LoadSource] {
        let small = ["size=4m"]
        func scratch(_ name: String) -> LoadSource {
            LoadSource(type: "tmpfs", source: name, options: small, isLasting: false)
        }
        var list = [scratch("alone"), scratch("pair"), scratch("crowd"), scratch("disturbed"), scratch("early")]
        list[0].users = 1
        list[2].users = 8
        list[3].isDisturbed = true
        list[4].at = mountRoot + "/early"
        list[4].isFolderMadeBefore = true
        list[4].users = 1
        // Two that want one place, and two whose places have folders on the way in common.
        for name in ["this", "that"] {
            var source = scratch(name)
            source.at = mountRoot + "/contested"
            list.append(source)
        }
        for name in ["left", "right"] {
            var source = scratch(name)
            source.at = mountRoot + "/on/the/way/\(name)"
            source.users = 1
            list.append(source)
        }
        list.append(LoadSource(type: "bind", source: media + "/shared"))
        list.append(LoadSource(type: "bind", source: media + "/private", isDisturbed: true, users: 1))
        list.append(
            LoadSource(
                type: "overlay", source: "layers",
                options: ["lowerdir=\(media)/lower", "upperdir=\(media)/upper", "workdir=\(media)/work"]))
        for (name, type) in [("a", "ext4"), ("b", "ext4"), ("c", "xfs"), ("tree", "squashfs")] {
            let image = "\(media)/\(name).img"
            list.append(LoadSource(type: type, source: image, image: image))
        }
        list[list.count - 1].isWritable = false
        list[list.count - 3].isDisturbed = true
        list.append(LoadSource(type: "ext4", source: media + "/missing.img", isBroken: true))
        list.append(LoadSource(type: "ext4", source: media + "/broken.img", isBroken: true))
        return list
    }

    /// What a daemon of this world is started with.
    var daemonArguments: [String] {
        [
            "run", "--state-dir", stateFolder, "--runtime-dir", runtimeFolder, "--mount-root", mountRoot,
            "--allow-private-namespace",
        ]
    }

    /// Removes the folders that others than the daemon have made beneath the mount root, where nothing is mounted on
    /// them.
    func removeFoldersOfOthers() {
        for source in sources where source.isFolderMadeBefore { source.at.map { _ = rmdir($0) } }
    }

    /// The number of the source that the daemon shows as this.
    func source(of mount: MountSummary) -> Int? {
        sources.firstIndex { $0.matches(type: mount.type, source: mount.source, mountpoint: mount.mountpoint) }
    }

    /// What the kernel has mounted beneath the mount root.
    func managedMounts() throws -> [MountEntry] { try MountTable.current.entries(beneath: FilePath(mountRoot)) }

    /// The image files that loop devices are on, one for each device.
    func loopImages() -> [String] {
        let blocks = (try? FileManager.default.contentsOfDirectory(atPath: "/sys/block")) ?? []
        return blocks.filter { $0.hasPrefix("loop") }.compactMap {
            // A device that has no file, or has just lost it, has no such file either.
            try? String(contentsOfFile: "/sys/block/\($0)/loop/backing_file", encoding: .utf8)
                .trimmingCharacters(in: .newlines)
        }.filter { $0.hasPrefix(folder) }.sorted()
    }

    /// Removes everything, name by name: what the daemon has left behind makes it fail.
    ///
    /// - Throws: what is still there.
    func remove() throws {
        try OwnProcesses.endWorkers(at: mountRoot)
        for name in ["run/parking", "mnt"] {
            let path = folder + "/" + name
            try require(rmdir(path) == 0 || errno == ENOENT, "rmdir \(path)")
        }
        for name in ["run", "state", "copy"] {
            let path = folder + "/" + name
            for file in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] {
                try require(unlink(path + "/" + file) == 0, "unlink \(path)/\(file)")
            }
            try require(rmdir(path) == 0 || errno == ENOENT, "rmdir \(path)")
        }
        // The failpoints that were reached, and the lock that the daemon keeps beside its mount root.
        for name in ["reached", ".mnt.holdfastd.lock"] {
            let path = folder + "/" + name
            try require(unlink(path) == 0 || errno == ENOENT, "unlink \(path)")
        }
        endBoots()
        try require(unlink(folder + "/boot_id") == 0 || errno == ENOENT, "unlink \(folder)/boot_id")
        try require(umount2(media, Int32(UMOUNT_NOFOLLOW)) == 0, "umount \(media)")
        try require(rmdir(media) == 0, "rmdir \(media)")
        try require(rmdir(folder) == 0, "rmdir \(folder)")
    }
}

/// What went wrong with the harness or its world.
struct Complaint: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Turns a failed call of the C library into a complaint.
func require(_ isGood: Bool, _ what: String) throws {
    if !isGood { throw Complaint("\(what): \(String(cString: strerror(errno)))") }
}
