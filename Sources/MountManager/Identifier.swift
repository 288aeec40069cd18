// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import LinuxMount
public import MountModel
public import SystemPackage

/// The names that the API gives to mounts and attachments, and the folders' names: digests of what they stand for, so
/// that they need no storage and the same thing has the same name after every restart.
public enum Identifier {
    /// `m-` and 64 bits of SHA-256 over the mountpoint's path.
    public static func mount(_ mountpoint: Mountpoint) -> String {
        mount(at: mountpoint.path)
    }

    /// The same for a path that need not be one of a mountpoint of ours.
    public static func mount(at path: FilePath) -> String { "m-" + digest([path.string], bytes: 8) }

    /// `a-` and 96 bits of SHA-256 over mountpoint, volume and consumer.
    public static func attachment(_ key: AttachmentKey, at mountpoint: Mountpoint) -> String {
        "a-" + digest([mountpoint.path.string, key.volume.name, key.consumer.name], bytes: 12)
    }

    /// The folder's name beneath the mount root where the caller names none: the type and 64 bits of SHA-256 over type
    /// and source. The options are left out: other options for the same source are to meet, and conflict.
    public static func folder(for source: MountSource) -> String {
        "\(source.type)-" + digest([source.type.rawValue, source.source], bytes: 8)
    }

    /// The lock that is held while something is done at the mountpoint: 63 bits of SHA-256 over its path.
    static func lock(of mountpoint: Mountpoint) -> OperationLock {
        let hash = SHA256.hash(data: Array(mountpoint.path.string.utf8))
        return OperationLock(rawValue: hash.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }

    /// The control group beneath which the helper programs of one mount root are.
    static func helpers(for root: FilePath) -> String { "holdfast-" + digest([root.string], bytes: 8) }

    /// The folder for what a helper program caches of this source at this mountpoint; it holds what was written and is
    /// not at the server yet, and must be nobody else's.
    static func cache(of source: MountSource, at mountpoint: Mountpoint) -> FilePath {
        FilePath("/var/cache/holdfast/\(digest([mountpoint.path.string, source.description], bytes: 16))")
    }

    /// The parts are joined by NUL, which none of them can have.
    private static func digest(_ parts: [String], bytes: Int) -> String {
        let digits = Array("0123456789abcdef")
        let hash = SHA256.hash(data: Array(parts.joined(separator: "\0").utf8))
        return String(hash.prefix(bytes).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
