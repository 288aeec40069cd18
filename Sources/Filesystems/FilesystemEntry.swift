// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// All that Holdfast knows about one filesystem type: a row of the catalog.
public struct FilesystemEntry: Sendable {
    /// The type's name, as callers and the kernel spell it.
    public let type: FilesystemType
    /// One line for a person.
    public let summary: String
    /// What the source string is.
    public let source: SourceGrammar
    /// How a mount of it is built.
    public let construction: Construction
    /// Whether a server that may be gone is behind it.
    public let isNetwork: Bool
    /// Whether the kernel keeps one superblock a device, so that the first mount's options hold for all.
    public let hasOneSuperblockPerDevice: Bool
    /// Whether it can be written.
    public let access: Access
    /// What the mount is given where the caller says nothing else about it.
    public let defaultOptions: [MountOption]
    /// The options that may be given; everything else is refused.
    public let options: [OptionRule]
    /// Options that people know and that are refused with a reason, besides those refused for every type.
    public let refused: [RefusedOption]
    /// What no single option's rule can say.
    let check: @Sendable (GivenOptions) throws(MountError) -> Void
    /// Whether an option says only what holds anyway, beside the others.
    let saysNothing: @Sendable (MountOption, GivenOptions) -> Bool

    /// The rules by name.
    let rules: [String: OptionRule]

    /// Puts the parts together.
    ///
    /// - Parameters:
    ///   - check: looks at all given options at once, in canonical form, and throws `invalid_argument`.
    ///   - saysNothing: whether an option in canonical form says only what holds anyway, beside the others.
    public init(
        type: FilesystemType, summary: String, source: SourceGrammar, construction: Construction = .kernel,
        isNetwork: Bool = false, hasOneSuperblockPerDevice: Bool = false, access: Access = .readWrite,
        defaultOptions: [MountOption] = [], options: [OptionRule], refused: [RefusedOption] = [],
        check: @escaping @Sendable (GivenOptions) throws(MountError) -> Void = { (_: GivenOptions) in },
        saysNothing: @escaping @Sendable (MountOption, GivenOptions) -> Bool = { _, _ in false }
    ) {
        self.type = type
        self.summary = summary
        self.source = source
        self.construction = construction
        self.isNetwork = isNetwork
        self.hasOneSuperblockPerDevice = hasOneSuperblockPerDevice
        self.access = access
        self.defaultOptions = defaultOptions
        self.options = options
        self.refused = refused
        self.check = check
        self.saysNothing = saysNothing
        rules = Dictionary(options.map { ($0.name, $0) }, uniquingKeysWith: { _, later in later })
    }

    /// How a mount is built.
    public enum Construction: Hashable, Sendable {
        /// By the kernel: `fsopen`, `fsconfig`, `fsmount` (`man 2 fsopen`).
        case kernel
        /// As a clone of a folder's mount: `open_tree` (`man 2 open_tree`).
        case clone
        /// By a program, in a mount namespace that is empty but for what programs need.
        case helper(HelperGrammar)
        /// By somebody else: it is verified by its type in the mount table and its source, counted, and never mounted
        /// or unmounted.
        case external(kernelType: String)
    }

    /// Whether a type can be written.
    public enum Access: Hashable, Sendable {
        /// Unless `ro` is given.
        case readWrite
        /// Never.
        case readOnly
        /// Only where this option is given.
        case writableWith(String)
    }
}

/// The options of one request in canonical form, no-ops included.
public struct GivenOptions: Sendable {
    var values: [String: String?] = [:]

    /// Whether the option was given.
    public func contains(_ name: String) -> Bool { values[name] != nil }

    /// The option's value; nil for a flag and for an option that was not given.
    public func value(of name: String) -> String? { values[name] ?? nil }
}
