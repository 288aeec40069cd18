// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
public import SystemPackage

/// A mount namespace with a minimal root of its own, in which a program mounts what nobody else sees.
///
/// A copy of the host's namespace would keep every mount of the host busy for as long as a process lives in it: a FUSE
/// daemon does for years. Here are a few mounts and no others, so that nothing of the host's is held but the
/// filesystems of `/usr`, `/etc`, `/dev`, `/run` and `/var`.
///
/// There is no way back: it is for a process that ends when it has handed on what was mounted.
public struct Nursery: ~Copyable, Sendable {
    /// Where the program mounts.
    public static let place: FilePath = "/mnt"
    /// A folder in memory, for root alone: credentials, keys.
    public static let files: FilePath = "/root"

    /// A mount that is here until something has been handed on: see ``isUnfinished(_:)``. Not on ``place``: programs
    /// look whether something is mounted there.
    private static let mark: FilePath = "/unfinished"

    private let root: KernelMountID

    /// Takes the calling thread, which must be the process's only one, into a new nursery.
    ///
    /// What the host mounts and unmounts from then on is not seen here, nor the other way round. Blocks as long as the
    /// host's base filesystems do.
    ///
    /// - Throws: the kernel's refusal; the process is then somewhere between, and should end.
    public static func enter() throws(SystemCallError) -> Nursery {
        try SystemCallError.check(hf_unshare_mounts(), "unshare")
        try setPropagation(HF_MS_SLAVE)
        let root = try makeRoot()
        for folder in sharedFolders { try share(folder.name, folder.attributes, in: root) }
        for name in programFolders { try share(name, [.readOnly, .noDevices], in: root) }
        try makeProcesses().attach(onto: makeFolder("proc", mode: 0o555, in: root))
        _ = try makeFolder("root", mode: 0o700, in: root)
        _ = try makeFolder("tmp", mode: 0o1777, in: root)
        _ = try makeFolder("mnt", mode: 0o755, in: root)
        let markFolder = try makeFolder("unfinished", mode: 0o000, in: root)
        try DetachedMount(cloning: markFolder).attach(onto: markFolder)
        try SystemCallError.check(hf_change_folder(root.rawValue), "fchdir")
        try SystemCallError.check(hf_enter_root(), "pivot_root")
        try setPropagation(HF_MS_PRIVATE)
        return Nursery(root: try MountTable.current.mountID(of: root))
    }

    /// Whether a program has mounted something at ``place``.
    ///
    /// - Throws: the kernel's refusal.
    public var isMounted: Bool {
        get throws(SystemCallError) { try MountTable.current.mountID(of: openPlace()) != root }
    }

    /// Gives the nursery a folder of its own, empty and in memory, where the host has one, or none: it is made on the
    /// host then.
    ///
    /// - Throws: the kernel's refusal.
    public func empty(_ folder: FilePath) throws(SystemCallError) {
        let made = folder.withPlatformString { hf_mkdirat(-1, $0, 0o755) }
        if Errno(rawValue: -made) != .fileExists { try SystemCallError.check(made, "mkdirat", on: folder.string) }
        try Self.mountMemory(on: folder)
    }

    /// Takes a program of the host's out of the nursery's sight, where the host has it.
    ///
    /// - Throws: the kernel's refusal.
    public func hide(_ program: FilePath) throws(SystemCallError) {
        let nothing: FilePath = "/dev/null"
        let place: OwnedDescriptor
        do throws(SystemCallError) {
            place = try .open(program, flags: hf_o_path, .followingLinks, on: program)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return }
            throw error
        }
        try DetachedMount(cloning: .openPlace(nothing, at: -1, .followingLinks, on: nothing)).attach(onto: place)
    }

    /// Asks what is mounted at ``place`` for its top folder: a program may have gone away right after it has mounted.
    /// Blocks as long as its filesystem does.
    ///
    /// - Returns: whether it is there; another refusal than that its program is gone is an answer.
    public func isAnswered() -> Bool {
        var status = hf_statx()
        let answer = Self.place.withPlatformString {
            hf_statx(-1, $0, 0, UInt32(HF_STATX_TYPE_MODE_OWNER_INODE), &status)
        }
        return ![Errno.socketNotConnected, .connectionAbort].contains(Errno(rawValue: -answer))
    }

    /// Takes what was mounted at ``place`` away from here: a clone of it, attached nowhere. The original is gone then,
    /// and with it what kept the nursery unfinished.
    ///
    /// - Returns: the clone, and the filesystem's type, its subtype included.
    /// - Throws: ENOENT if nothing was mounted, EBUSY if more than one was, else the kernel's refusal.
    public consuming func takeMount() throws(SystemCallError) -> TakenMount {
        let place = try openPlace()
        let id = try MountTable.current.mountID(of: place)
        guard id != root, let entry = try MountTable.current.entry(id) else {
            throw SystemCallError("statx", .noSuchFileOrDirectory, on: "\(Self.place) (nothing was mounted on it)")
        }
        guard entry.parentID == root else {
            throw SystemCallError("statx", .resourceBusy, on: "\(Self.place) (more than one mount is on it)")
        }
        let mount = try DetachedMount(cloning: place)
        try place.close()
        for path in [Self.place, Self.mark] {
            let answer = path.withPlatformString { hf_umount($0, HF_MNT_DETACH | HF_UMOUNT_NOFOLLOW) }
            try SystemCallError.check(answer, "umount2", on: path.string)
        }
        return TakenMount(mount: mount, filesystemType: entry.filesystemType)
    }

    /// What was mounted in a nursery.
    public struct TakenMount: ~Copyable {
        /// A clone of it.
        public let mount: DetachedMount
        /// The filesystem's type, its subtype included: `fuse.sshfs`.
        public let filesystemType: String

        /// The mount alone.
        public consuming func release() -> DetachedMount { mount }
    }

    private borrowing func openPlace() throws(SystemCallError) -> OwnedDescriptor {
        try OwnedDescriptor.openPlace(Self.place, at: -1, .followingLinks, on: Self.place)
    }

    /// Whether a process lives in a nursery in which something is mounted that was not handed on, or may still be: to
    /// be asked of processes that a nursery was made for, and of no others.
    ///
    /// - Throws: the kernel's refusal; ENOENT or ESRCH for a process that has ended.
    public static func isUnfinished(_ process: Int32) throws(SystemCallError) -> Bool {
        let path = FilePath("/proc/\(process)/mountinfo")
        let bytes = try MountTable.readProcessFile(path)
        do throws(MountInfoError) {
            return try MountInfo.parse(bytes).contains { $0.mountpoint == mark }
        } catch {
            throw SystemCallError("read", .badMessage, on: "\(path): \(error)")
        }
    }

    // MARK: - The root

    /// What programs need of the host's.
    private static let sharedFolders: [(name: FilePath, attributes: MountAttributes)] = [
        ("usr", [.readOnly, .noDevices]), ("etc", [.readOnly, .noSetUserID, .noDevices]),
        ("dev", [.noSetUserID, .noExecute]), ("run", [.noSetUserID, .noDevices]), ("var", [.noSetUserID, .noDevices]),
    ]

    /// Links into `/usr`; folders of their own where a host has not merged them.
    private static let programFolders: [FilePath] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"]

    /// A small tmpfs, mounted on a folder that every host has; it is the root in a moment.
    private static func makeRoot() throws(SystemCallError) -> OwnedDescriptor {
        let cover: FilePath = "/proc"
        try mountMemory(on: cover)
        return try .openPlace(cover, at: -1, .followingLinks, on: cover)
    }

    private static func mountMemory(on folder: FilePath) throws(SystemCallError) {
        var context = try FilesystemContext(type: "tmpfs")
        try context.setString("source", "nursery")
        try context.setString("mode", "0755")
        try context.setString("size", "\(rootSize)")
        try context.create()
        try context.mount(attributes: [.noSetUserID, .noDevices])
            .attach(onto: .openPlace(folder, at: -1, .followingLinks, on: folder))
    }

    /// Room for credentials and for what programs write into `/tmp`.
    private static let rootSize = 16 << 20

    private static func makeProcesses() throws(SystemCallError) -> DetachedMount {
        var context = try FilesystemContext(type: "proc")
        try context.create()
        return try context.mount(attributes: [.noSetUserID, .noDevices, .noExecute])
    }

    private static func makeFolder(
        _ name: FilePath, mode: UInt32, in root: borrowing OwnedDescriptor
    ) throws(SystemCallError) -> OwnedDescriptor {
        let number = root.rawValue
        let made = name.withPlatformString { hf_mkdirat(number, $0, mode) }
        try SystemCallError.check(made, "mkdirat", on: name.string)
        let folder = try OwnedDescriptor.openFolder(name, at: number, .beneath, on: name)
        // Whatever the umask has made of it.
        try SystemCallError.check(hf_fchmod(folder.rawValue, mode), "fchmod", on: name.string)
        return folder
    }

    /// Folders of the host's, and links as the host has them; what it has not is left out.
    private static func share(
        _ name: FilePath, _ attributes: MountAttributes, in root: borrowing OwnedDescriptor
    ) throws(SystemCallError) {
        let path = FilePath("/").appending(name.components)
        if let target = try link(at: path) {
            let number = root.rawValue
            let made = name.withPlatformString { hf_make_link(target, number, $0) }
            try SystemCallError.check(made, "symlinkat", on: name.string)
            return
        }
        let folder: OwnedDescriptor
        do throws(SystemCallError) {
            folder = try .openFolder(atAbsolute: path)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return }
            throw error
        }
        let mount = try DetachedMount(cloning: folder)
        try mount.setAttributes(attributes)
        try mount.attach(onto: makeFolder(name, mode: 0o755, in: root))
    }

    /// Where a symbolic link leads; nil for what is none.
    private static func link(at path: FilePath) throws(SystemCallError) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = path.withPlatformString { hf_read_link(-1, $0, &buffer, buffer.count) }
        switch Errno(rawValue: CInt(-count)) {
        case .invalidArgument, .noSuchFileOrDirectory: return nil
        default:
            let length = try SystemCallError.check(count, "readlink", on: path.string)
            return String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    /// Of all mounts of the namespace.
    private static func setPropagation(_ propagation: CInt) throws(SystemCallError) {
        let answer = hf_mount_setattr(-1, "/", UInt32(HF_AT_RECURSIVE), 0, 0, UInt64(propagation))
        try SystemCallError.check(answer, "mount_setattr", on: "/")
    }
}
