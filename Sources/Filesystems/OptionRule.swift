// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// What a filesystem's grammar says about one option.
public struct OptionRule: Hashable, Sendable {
    /// The option's name, lower-case ASCII as in the manual pages; names are compared exactly.
    public let name: String
    /// What may stand behind the `=`.
    public let value: OptionValue
    /// Where the option goes.
    public let effect: Effect
    /// One line for a person.
    public let summary: String
    /// At most one option of a group may be given: `exec` and `noexec` share one.
    public let groups: [String]
    /// Options that must be given with this one.
    public let requires: [String]
    /// The value that the bare name stands for; nil where the name alone is a mistake.
    public let bareValue: String?
    /// The canonical value that means the same as leaving the option out, whatever is on the disk.
    public let kernelDefault: String?
    /// The value that leaves the choice to who mounts, who is then told nothing.
    public let openValue: String?
    /// Whether the type cannot be mounted without it.
    public let isRequired: Bool
    /// Whether the value is a credential: it is never shown, and never taken among the options.
    public let isSecret: Bool
    /// Whether its file can say what else is done as root: it is the administrator's, and never a request's.
    public let isConfiguration: Bool

    /// Puts the parts together.
    public init(
        _ name: String, _ value: OptionValue = .flag, _ effect: Effect = .superblock, groups: [String] = [],
        requires: [String] = [], bareValue: String? = nil, kernelDefault: String? = nil, openValue: String? = nil,
        isRequired: Bool = false, isSecret: Bool = false, isConfiguration: Bool = false, summary: String
    ) {
        self.name = name
        self.value = value
        self.effect = effect
        self.summary = summary
        self.groups = groups
        self.requires = requires
        self.bareValue = bareValue
        self.kernelDefault = kernelDefault
        self.openValue = openValue
        self.isRequired = isRequired
        self.isSecret = isSecret
        self.isConfiguration = isConfiguration
    }

    /// Where an option goes.
    public enum Effect: Hashable, Sendable {
        /// To the superblock, with `fsconfig` (`man 2 fsconfig`).
        case superblock
        /// To the mount, with `mount_setattr` (`man 2 mount_setattr`).
        case attribute(RecipeAttributes)
        /// To both: `ro`.
        case readOnly
        /// Nowhere: it says what holds anyway.
        case nothing
        /// It is another spelling of these; a target without a value takes the one that was given.
        case standsFor([MountOption])
    }
}
