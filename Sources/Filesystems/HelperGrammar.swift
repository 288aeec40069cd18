// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// What a catalog's entry says about the helper program of its type.
public struct HelperGrammar: Hashable, Sendable {
    /// The program's name.
    public var program: String
    /// How the kernel names the mounted filesystem, `fuse.` and the subtype included.
    public var kernelType: String
    /// What the program is told before anything else.
    public var words: [String]
    /// How it takes options.
    public var style: HelperProgram.Style
    /// How it takes the source.
    public var sourceForm: SourceForm
    /// The option that makes the filesystem read-only; nil where only the mount can be.
    public var readOnlyOption: String?
    /// The option that names the folder for what it caches on disk; a mount has one of its own.
    public var cacheOption: String?
    /// How the kernel does without the program; nil where it cannot.
    public var kernel: KernelForm?
    /// The settings that it reads from a file; nil where it has none.
    public var settings: Settings?
    /// Folders of the host's that each run has for itself, and empty.
    public var emptyFolders: [FilePath]
    /// Programs of the host's that it cannot start: what they leave behind would be the mount's, and end with it.
    public var hiddenPrograms: [FilePath]

    /// Puts the parts together.
    public init(
        program: String, kernelType: String, words: [String] = [], style: HelperProgram.Style,
        sourceForm: SourceForm = .operand, readOnlyOption: String? = "ro", cacheOption: String? = nil,
        kernel: KernelForm? = nil, settings: Settings? = nil, emptyFolders: [FilePath] = [],
        hiddenPrograms: [FilePath] = []
    ) {
        self.program = program
        self.kernelType = kernelType
        self.words = words
        self.style = style
        self.sourceForm = sourceForm
        self.readOnlyOption = readOnlyOption
        self.cacheOption = cacheOption
        self.kernel = kernel
        self.settings = settings
        self.emptyFolders = emptyFolders
        self.hiddenPrograms = hiddenPrograms
    }

    /// A file of settings that is written for each run.
    public struct Settings: Hashable, Sendable {
        /// The option that names it.
        public var option: String
        /// Its lines.
        public var lines: [String]
        /// Options that are files, and are lines of it: the option's name and where the file is.
        public var files: [String]

        /// Puts the parts together.
        public init(option: String, lines: [String], files: [String]) {
            self.option = option
            self.lines = lines
            self.files = files
        }

        /// What is in it, where these options are given.
        func content(_ given: GivenOptions) -> [UInt8] {
            let named = files.filter(given.contains).map { "\($0) \(HelperProgram.files.appending($0))" }
            return Array((lines + named).map { "\($0)\n" }.joined().utf8)
        }
    }

    /// How a program takes its source.
    public enum SourceForm: Hashable, Sendable {
        /// As it is, before the mountpoint.
        case operand
        /// `--volfile-server=host --volfile-id=volume`, and `--subdir-mount=/folder` (`man 8 glusterfs`).
        case gluster
        /// `-m monitors -r folder` (`man 8 ceph-fuse`).
        case cephFuse
        /// `-c cluster`.
        case cluster

        /// The words that say it; nil where it is an operand.
        func words(_ source: String) -> [String]? {
            switch self {
            case .operand: return nil
            case .gluster:
                guard let parts = try? HostSource(source, allowsUser: false) else { return nil }
                let path = FilePath(parts.folder).components.map(\.string)
                let folder = path.dropFirst().map { "/" + $0 }.joined()
                return ["--volfile-server=\(HostSource.bare(parts.host))", "--volfile-id=\(path.first ?? "")"]
                    + (folder.isEmpty ? [] : ["--subdir-mount=\(folder)"])
            case .cephFuse:
                guard let parts = try? MonitorSource(source) else { return nil }
                return ["-m", parts.monitors.joined(separator: ","), "-r", parts.folder]
            case .cluster: return ["-c", source]
            }
        }
    }
}
