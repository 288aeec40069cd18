// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import LinuxMount
public import SystemPackage

/// A FUSE filesystem whose server never answers: every question to the filesystem itself waits, until the asker is
/// killed.
public struct SilentFilesystem: ~Copyable {
    /// The server's end; closing it aborts the connection, and whoever waits gets an error.
    private let server: OwnedDescriptor

    /// Opens `/dev/fuse`.
    ///
    /// - Throws: why it cannot be opened.
    public init() throws(SystemCallError) {
        let number = open("/dev/fuse", O_RDWR | O_CLOEXEC)
        guard number >= 0 else { throw SystemCallError("open", .init(rawValue: errno), on: "/dev/fuse") }
        server = OwnedDescriptor(owning: number)
    }

    /// Mounts it on a folder.
    ///
    /// - Throws: the kernel's refusal.
    public func mount(on folder: FilePath) throws(SystemCallError) {
        let number = open(folder.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw SystemCallError("open", .init(rawValue: errno), on: folder.string) }
        try mount().attach(onto: OwnedDescriptor(owning: number))
    }

    /// The mount, once.
    ///
    /// - Parameter owner: whose it is: others, root too, are refused.
    /// - Throws: the kernel's refusal.
    public func mount(owner: Int = 0) throws(SystemCallError) -> DetachedMount {
        var context = try FilesystemContext(type: "fuse")
        try context.setString("source", "nobody")
        try context.setString("subtype", "silent")
        try context.setString("fd", String(server.rawValue))
        try context.setString("rootmode", "40000")
        try context.setString("user_id", String(owner))
        try context.setString("group_id", String(owner))
        try context.create()
        return try context.mount(attributes: [.noSetUserID, .noDevices])
    }
}
