// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import SystemPackage

/// Which mount namespace somebody is in (`man 7 mount_namespaces`).
///
/// A namespace belongs to a thread. This module's users never change it after start-up, so that one answer holds for
/// the whole process.
public enum MountNamespace {
    /// The namespace's identity: two are the same if these are equal while one of them is alive.
    public struct Identity: Hashable, Sendable {
        /// Device number of the kernel's namespace filesystem.
        public let device: UInt64
        /// Inode number: what `ls -L -i /proc/PID/ns/mnt` shows.
        public let inode: UInt64
    }

    /// The namespace of the calling thread.
    ///
    /// Does not block.
    ///
    /// - Throws: what opening answers, where `/proc` is missing.
    public static func current() throws(SystemCallError) -> Identity {
        try identity(at: "/proc/thread-self/ns/mnt")
    }

    /// The namespace of another process' main thread; needs `CAP_SYS_PTRACE` for processes of others.
    ///
    /// Does not block.
    ///
    /// - Throws: `ENOENT` if there is no such process, `EACCES` without the capability.
    public static func ofProcess(_ process: Int32) throws(SystemCallError) -> Identity {
        try identity(at: FilePath("/proc/\(process)/ns/mnt"))
    }

    /// Whether the caller is in the host's namespace: the one of process 1. In a container with a process namespace of
    /// its own, process 1 is the container's, and the answer is about that one.
    ///
    /// Mounts made anywhere else are not seen by the host: the daemon refuses to start there. Does not block.
    ///
    /// - Throws: `EACCES` if process 1 may not be looked at and the namespace is not the kernel's first one.
    public static func isInitial() throws(SystemCallError) -> Bool {
        let own = try current()
        do {
            return try own == ofProcess(1)
        } catch let error where error.errno == .permissionDenied && own.inode == firstInode {
            // A security module or a process 1 that cannot be dumped hides it even from root.
            return true
        }
    }

    /// Whether the calling thread is in the namespace of a process' main thread.
    ///
    /// - Throws: see ``ofProcess(_:)``.
    public static func isShared(with process: Int32) throws(SystemCallError) -> Bool {
        try current() == ofProcess(process)
    }

    /// The inode number of the namespace that the kernel starts with (`MNT_NS_INIT_INO` in `linux/nsfs.h`, kernel
    /// 6.17); before, no number was fixed, and this one belonged to no mount namespace.
    private static let firstInode: UInt64 = 0xefff_fff8

    private static func identity(at path: FilePath) throws(SystemCallError) -> Identity {
        let namespace = try open(path)
        let facts = try FileFacts(of: namespace, on: path)
        return Identity(device: facts.identity.device, inode: facts.identity.inode)
    }

    /// A descriptor of the namespace at such a path; it keeps the namespace alive.
    static func open(_ path: FilePath) throws(SystemCallError) -> OwnedDescriptor {
        try .open(path, flags: O_RDONLY, .followingLinks, on: path)
    }
}
