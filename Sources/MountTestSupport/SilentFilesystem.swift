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
    public func mount(
        on folder: FilePath, source: String = "nobody", subtype: String? = "silent"
    ) throws(SystemCallError) {
        let number = open(folder.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw SystemCallError("open", .init(rawValue: errno), on: folder.string) }
        try mount(source: source, subtype: subtype).attach(onto: OwnedDescriptor(owning: number))
    }

    /// The mount, once.
    ///
    /// - Parameter owner: whose it is: others, root too, are refused.
    /// - Throws: the kernel's refusal.
    public func mount(
        owner: Int = 0, source: String = "nobody", subtype: String? = "silent"
    ) throws(SystemCallError) -> DetachedMount {
        var context = try FilesystemContext(type: "fuse")
        try context.setString("source", source)
        if let subtype { try context.setString("subtype", subtype) }
        try context.setString("fd", String(server.rawValue))
        try context.setString("rootmode", "40000")
        try context.setString("user_id", String(owner))
        try context.setString("group_id", String(owner))
        try context.create()
        return try context.mount(attributes: [.noSetUserID, .noDevices])
    }

    /// Takes the next question and leaves it at that: who asked cannot be killed any more. The first one, about the
    /// protocol's version, is answered, for the others wait for it. Blocks until there is one.
    ///
    /// - Throws: what reading or writing answers.
    public func takeQuestion() throws(SystemCallError) {
        while true {
            var question = [UInt8](repeating: 0, count: 1 << 17)
            let count = read(server.rawValue, &question, question.count)
            guard count > 0 else { throw SystemCallError("read", .init(rawValue: errno), on: "/dev/fuse") }
            let kind = question.withUnsafeBytes { $0.load(fromByteOffset: 4, as: UInt32.self) }
            guard kind == Self.initialize else { return }
            let number = question.withUnsafeBytes { $0.load(fromByteOffset: 8, as: UInt64.self) }
            var answer = [UInt8](repeating: 0, count: 80)
            answer.withUnsafeMutableBytes { bytes in
                bytes.storeBytes(of: UInt32(bytes.count), toByteOffset: 0, as: UInt32.self)
                bytes.storeBytes(of: number, toByteOffset: 8, as: UInt64.self)
                // Version 7.31, 64 KiB of readahead, and as much as may be written at once.
                for (offset, value) in [(16, 7), (20, 31), (24, 65536), (36, 4096)] {
                    bytes.storeBytes(of: UInt32(value), toByteOffset: offset, as: UInt32.self)
                }
            }
            guard write(server.rawValue, answer, answer.count) == answer.count else {
                throw SystemCallError("write", .init(rawValue: errno), on: "/dev/fuse")
            }
        }
    }

    private static let initialize: UInt32 = 26
}
