// SPDX-License-Identifier: Apache-2.0

/// The attributes of one mount, apart from its superblock: MOUNT_ATTR_* of `man 2 mount_setattr`, kernel 5.12.
///
/// The numbers are this module's own; the executor translates them.
public struct RecipeAttributes: OptionSet, Hashable, Sendable {
    /// One bit an attribute.
    public let rawValue: UInt16

    /// Wraps the bits.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// `nosuid`: set-user-id and set-group-id bits and file capabilities mean nothing.
    public static let noSetUserID = RecipeAttributes(rawValue: 1 << 0)
    /// `nodev`: device nodes cannot be opened.
    public static let noDevices = RecipeAttributes(rawValue: 1 << 1)
    /// `ro`: nothing can be written through this mount.
    public static let readOnly = RecipeAttributes(rawValue: 1 << 2)
    /// `noexec`: programs cannot be started.
    public static let noExecute = RecipeAttributes(rawValue: 1 << 3)
    /// `noatime`: access times are not updated.
    public static let noAccessTime = RecipeAttributes(rawValue: 1 << 4)
    /// `strictatime`: access times are always updated; neither of the two is `relatime`.
    public static let strictAccessTime = RecipeAttributes(rawValue: 1 << 5)
    /// `nodiratime`: access times of folders are not updated.
    public static let noDirectoryAccessTime = RecipeAttributes(rawValue: 1 << 6)
    /// `nosymfollow`: symbolic links are not followed; kernel 5.14.
    public static let noSymlinkFollow = RecipeAttributes(rawValue: 1 << 7)

    /// What every mount of every type has, whatever a caller says.
    public static let always: RecipeAttributes = [.noSetUserID, .noDevices]
}
