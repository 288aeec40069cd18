// SPDX-License-Identifier: Apache-2.0

/// `POST /v1/plan`: what an attach would do if it came now, and why. Nothing was changed for it.
public struct PlanResponse: Codable, Hashable, Sendable {
    /// `mount`, `use_existing`, `already_attached`, `wait`, `conflict` or `refused`; more may come.
    public var verdict: String
    /// Why, for a person.
    public var reason: String
    /// The filesystem's type.
    public var type: String
    /// Where the type comes from: `given` in the request, or `inferred` from the source.
    public var typeOrigin: String
    /// The source as it was asked for.
    public var sourceGiven: String
    /// The canonical source: requests with the same one, and the same options, share a mount.
    public var source: String
    /// With what it is mounted.
    public var options: Options
    /// How it is mounted.
    public var build: Build
    /// Where; nil where nobody has mounted an external source.
    public var mountpoint: String?
    /// The path that the attach would answer with; nil where there is no mountpoint.
    public var path: String?
    /// The server whose limit of operations counts; nil where none is behind it.
    public var server: String?
    /// What is at the mountpoint now, and who uses it; nil where there is nothing of Holdfast's.
    public var mount: MountDetail?
    /// How the attach would fail; nil where it would go ahead.
    public var problem: Problem?

    /// Puts the parts together.
    public init(
        verdict: String, reason: String, type: String, typeOrigin: String, sourceGiven: String, source: String,
        options: Options, build: Build, mountpoint: String? = nil, path: String? = nil, server: String? = nil,
        mount: MountDetail? = nil, problem: Problem? = nil
    ) {
        self.verdict = verdict
        self.reason = reason
        self.type = type
        self.typeOrigin = typeOrigin
        self.sourceGiven = sourceGiven
        self.source = source
        self.options = options
        self.build = build
        self.mountpoint = mountpoint
        self.path = path
        self.server = server
        self.mount = mount
        self.problem = problem
    }

    /// The names on the wire.
    public enum CodingKeys: String, CodingKey {
        case verdict, reason, type
        case typeOrigin = "type_origin"
        case sourceGiven = "source_given"
        case source, options, build, mountpoint, path, server, mount, problem
    }

    /// A mount's options, each `name` or `name=value`; a secret's value is `***`.
    public struct Options: Codable, Hashable, Sendable {
        /// What the filesystem, or its program, is told.
        public var superblock: [String]
        /// The mount's own attributes.
        public var mount: [String]
        /// What of both nobody has asked for.
        public var added: [String]
        /// What was asked for and holds anyway.
        public var ignored: [String]

        /// Puts the parts together.
        public init(superblock: [String], mount: [String], added: [String], ignored: [String]) {
            self.superblock = superblock
            self.mount = mount
            self.added = added
            self.ignored = ignored
        }
    }

    /// How a source is mounted.
    public struct Build: Codable, Hashable, Sendable {
        /// `kernel`; `device_or_image`, the kernel, an image through a loop device; `bind`; `helper`, by a program;
        /// `external`, by somebody else.
        public var method: String
        /// The helper's name; nil where there is none.
        public var program: String?
        /// Whether the kernel mounts it where the program is not installed.
        public var kernelSuffices: Bool

        /// Puts the parts together.
        public init(method: String, program: String? = nil, kernelSuffices: Bool = false) {
            self.method = method
            self.program = program
            self.kernelSuffices = kernelSuffices
        }

        /// The names on the wire.
        public enum CodingKeys: String, CodingKey {
            case method, program
            case kernelSuffices = "kernel_suffices"
        }
    }
}
