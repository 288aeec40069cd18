// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
public import SystemPackage

/// A control group (cgroup v2, `man 7 cgroups`) for the processes of one helper program, so that they can be ended
/// together whatever they have become.
public struct ControlGroup: Hashable, Sendable {
    /// Its folder.
    public let path: FilePath

    /// Names a group that exists.
    public init(at path: FilePath) { self.path = path }

    /// Makes a group in another's folder. Does not block.
    ///
    /// - Throws: what `mkdir` answers: EEXIST for a name that is taken.
    public static func make(_ name: String, in folder: FilePath) throws(SystemCallError) -> ControlGroup {
        let path = folder.appending(name)
        let made = path.withPlatformString { hf_mkdirat(AT_FDCWD, $0, 0o755) }
        try SystemCallError.check(made, "mkdir", on: path.string)
        return ControlGroup(at: path)
    }

    /// Moves the calling process into it; what it starts is born there.
    ///
    /// - Throws: what writing `cgroup.procs` answers.
    public func join() throws(SystemCallError) { try write("0", to: "cgroup.procs") }

    /// Kills all its processes at once, those being born too (kernel 5.14).
    ///
    /// - Throws: what writing `cgroup.kill` answers.
    public func kill() throws(SystemCallError) { try write("1", to: "cgroup.kill") }

    /// The ids of its processes.
    ///
    /// - Throws: what reading `cgroup.procs` answers.
    public func processes() throws(SystemCallError) -> [Int32] {
        let bytes = try MountTable.readProcessFile(path.appending("cgroup.procs"))
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { Int32($0) }
    }

    /// Removes it; EBUSY while there are processes in it.
    ///
    /// - Returns: whether it is gone.
    /// - Throws: what `rmdir` answers, EBUSY excepted.
    public func remove() throws(SystemCallError) -> Bool {
        let removed = path.withPlatformString { hf_unlinkat(AT_FDCWD, $0, HF_AT_REMOVEDIR) }
        switch Errno(rawValue: -removed) {
        case .resourceBusy: return false
        case .noSuchFileOrDirectory: return true
        default:
            try SystemCallError.check(removed, "rmdir", on: path.string)
            return true
        }
    }

    /// The groups in a folder.
    ///
    /// - Throws: what reading the folder answers.
    public static func all(in folder: FilePath) throws(SystemCallError) -> [ControlGroup] {
        let opened = try OwnedDescriptor.open(
            folder, at: -1, flags: O_RDONLY | O_DIRECTORY, .followingLinks, on: folder)
        // Its files have a dot in their names, which names made here have not.
        return try opened.names(on: folder).filter { !$0.contains(UInt8(ascii: ".")) }
            .map { ControlGroup(at: folder.appending(String(decoding: $0, as: UTF8.self))) }
    }

    /// The folder of the group in which this process is, in the one hierarchy of version 2.
    ///
    /// - Throws: ENOENT where there is none.
    public static func own() throws(SystemCallError) -> FilePath {
        let lines = String(decoding: try MountTable.readProcessFile("/proc/self/cgroup"), as: UTF8.self)
        guard let line = lines.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }),
            let mount = try MountTable.current.entries().first(where: { $0.filesystemType == "cgroup2" }),
            var path = mount.mountpoint
        else {
            throw SystemCallError("open", .noSuchFileOrDirectory, on: "cgroup2 (no such filesystem is mounted)")
        }
        path.append(FilePath(String(line.dropFirst(4))).components)
        return path
    }

    private func write(_ text: String, to name: String) throws(SystemCallError) {
        let file = path.appending(name)
        let opened = try OwnedDescriptor.open(file, at: -1, flags: O_WRONLY, .followingLinks, on: file)
        let bytes = Array(text.utf8)
        try SystemCallError.check(hf_write(opened.rawValue, bytes, bytes.count), "write", on: file.string)
    }
}
