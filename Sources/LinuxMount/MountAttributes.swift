// SPDX-License-Identifier: Apache-2.0

internal import CLinux

/// What one mount allows, apart from what its filesystem allows: the `MOUNT_ATTR_*` bits of `man 2 mount_setattr`.
public struct MountAttributes: OptionSet, Hashable, Sendable {
    /// The kernel's bits.
    public let rawValue: UInt64

    /// Wraps the kernel's bits.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Nothing can be written through this mount.
    public static let readOnly = MountAttributes(rawValue: UInt64(HF_MOUNT_ATTR_RDONLY))
    /// Set-user-id bits and file capabilities have no effect.
    public static let noSetUserID = MountAttributes(rawValue: UInt64(HF_MOUNT_ATTR_NOSUID))
    /// Device nodes cannot be opened.
    public static let noDevices = MountAttributes(rawValue: UInt64(HF_MOUNT_ATTR_NODEV))
    /// Nothing can be executed.
    public static let noExecute = MountAttributes(rawValue: UInt64(HF_MOUNT_ATTR_NOEXEC))
    /// Access times are never written; excludes `strictAccessTime`, and without either the kernel's relatime holds.
    public static let noAccessTime = MountAttributes(rawValue: UInt64(HF_MOUNT_ATTR_NOATIME))
    /// Access times are written at every access.
    public static let strictAccessTime = MountAttributes(rawValue: UInt64(HF_MOUNT_ATTR_STRICTATIME))
    /// Access times of folders are never written.
    public static let noDirectoryAccessTime = MountAttributes(rawValue: UInt64(HF_MOUNT_ATTR_NODIRATIME))
    /// Symbolic links are not followed (5.10).
    public static let noSymlinkFollow = MountAttributes(rawValue: UInt64(HF_MOUNT_ATTR_NOSYMFOLLOW))
    /// Owners are mapped; read from the mount table, never set without a user namespace.
    public static let idMapped = MountAttributes(rawValue: UInt64(HF_MOUNT_ATTR_IDMAP))

    /// The bits to clear with these: access times are one field of several bits, which the kernel changes whole.
    func clearing(_ cleared: MountAttributes) -> UInt64 {
        let accessTime = UInt64(HF_MOUNT_ATTR_ATIME_MASK)
        return (rawValue | cleared.rawValue) & accessTime == 0 ? cleared.rawValue : cleared.rawValue | accessTime
    }
}

extension MountAttributes: CustomStringConvertible {
    private static let names: [(MountAttributes, String)] = [
        (.readOnly, "ro"), (.noSetUserID, "nosuid"), (.noDevices, "nodev"), (.noExecute, "noexec"),
        (.noAccessTime, "noatime"), (.strictAccessTime, "strictatime"), (.noDirectoryAccessTime, "nodiratime"),
        (.noSymlinkFollow, "nosymfollow"), (.idMapped, "idmapped"),
    ]

    /// The names of `man 8 mount`, with commas between; bits without a name as one number.
    public var description: String {
        var texts: [String] = []
        var rest = self
        for (attribute, name) in Self.names where rest.contains(attribute) {
            texts.append(name)
            rest.subtract(attribute)
        }
        if !rest.isEmpty { texts.append("0x\(String(rest.rawValue, radix: 16))") }
        return texts.joined(separator: ",")
    }
}
