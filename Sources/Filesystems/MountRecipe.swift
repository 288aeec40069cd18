// SPDX-License-Identifier: Apache-2.0

public import MountModel
public import SystemPackage

/// How one source is built into a detached mount: the plan that an executor carries out.
public struct MountRecipe: Hashable, Sendable {
    /// The kernel's name of the type, for `fsopen` (`man 2 fsopen`); `bind` is cloned with `open_tree` instead.
    public var filesystem: FilesystemType
    /// What the filesystem is on.
    public var medium: Medium
    /// What `fsconfig` is told, in this order, before the superblock is created.
    ///
    /// `source` is among them where it is only a name; for a device or an image the executor adds it.
    public var parameters: [Parameter]
    /// The mount's own attributes; `nosuid` and `nodev` are always among them.
    public var attributes: RecipeAttributes
    /// Whether the kernel keeps one superblock a device, so that options of a second mount would be dropped in silence.
    ///
    /// The executor then asks for a new superblock (FSCONFIG_CMD_CREATE_EXCL, kernel 6.6) or makes sure by itself that
    /// the device is not mounted; two loop devices on one image escape the kernel's check and are the executor's to
    /// prevent.
    public var exclusiveSuperblock: Bool

    /// Puts the parts together; `nosuid` and `nodev` are added to the attributes.
    public init(
        filesystem: FilesystemType, medium: Medium, parameters: [Parameter], attributes: RecipeAttributes,
        exclusiveSuperblock: Bool
    ) {
        self.filesystem = filesystem
        self.medium = medium
        self.parameters = parameters
        self.attributes = attributes.union(.always)
        self.exclusiveSuperblock = exclusiveSuperblock
    }

    /// The paths in `parameters`, which the executor must open without following symbolic links.
    public var paths: [FilePath] {
        parameters.flatMap { (parameter) -> [FilePath] in
            switch parameter {
            case .paths(_, let paths): paths
            case .file(_, let path, _): [path]
            case .flag, .string, .content: []
            }
        }
    }

    /// Whether a mount of this recipe can have this type in the mount table: NFS has two names, and kernels 6.8 to 6.12
    /// leave out what comes after `fuse.`.
    public func isNamed(_ type: String) -> Bool {
        type == filesystem.rawValue || (type == "nfs4" && filesystem.rawValue == "nfs")
            || (type == "fuse" && isFuse)
    }

    /// Whether a process serves it for as long as it is mounted.
    public var isFuse: Bool {
        filesystem.rawValue == "fuse" || filesystem.rawValue.utf8.starts(with: "fuse.".utf8)
    }

    /// What a filesystem is on.
    public enum Medium: Hashable, Sendable {
        /// On nothing: it lives in memory or on other filesystems.
        case none
        /// On a block device.
        case device(FilePath)
        /// In a file, through a loop device.
        case image(FilePath, readOnly: Bool)
        /// On a device or in a file: whoever opens the path sees which.
        case deviceOrImage(FilePath, readOnly: Bool)
        /// It is a folder of a filesystem that is mounted already.
        case folder(FilePath)
        /// Wherever a helper program finds it; the parameters are the program's.
        case helper(HelperProgram)
    }

    /// One call of `fsconfig` (`man 2 fsconfig`), or for `paths` as many as it takes.
    public enum Parameter: Hashable, Sendable, CustomStringConvertible {
        /// FSCONFIG_SET_FLAG.
        case flag(String)
        /// FSCONFIG_SET_STRING; the value has at most 255 bytes, which is all that the call takes.
        case string(String, String)
        /// Paths that the executor opens first: overlay's layers, in order.
        ///
        /// Handed over as descriptors (FSCONFIG_SET_FD, kernel 6.13), or as `/proc/self/fd/N`: for `lowerdir` one
        /// `lowerdir+` each (6.7) or all in one string with `:` between them (any kernel, as long as it has 255 bytes
        /// at most). The recipe cannot choose: it does not know the kernel.
        case paths(String, [FilePath])
        /// A file that a helper program is given a copy of, whose path is the option's value.
        case file(String, FilePath, isSecret: Bool)
        /// A file of this content, likewise.
        case content(String, [UInt8], isSecret: Bool)

        public var description: String {
            switch self {
            case .flag(let name): name
            case .string(let name, let value): "\(name)=\(value)"
            case .file(let name, let path, _): "\(name)=\(path)"
            case .content(let name, _, _): "\(name)=***"
            case .paths(let name, let paths): "\(name)=\(paths.map(\.string).joined(separator: ":"))"
            }
        }
    }
}
