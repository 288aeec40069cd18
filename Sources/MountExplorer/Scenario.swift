// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// The product's state machine over small integers.
public typealias Machine = MountState<UInt8, ModelSource>

/// How much of everything there is in one exploration; within these bounds every course of events is tried.
public struct Scenario: Sendable {
    /// How many consumers there are.
    public var consumers: Int
    /// How many volumes each of them may use.
    public var volumes: Int
    /// How many sources they ask for.
    public var sources: Int
    /// How many requests may be unanswered at a time.
    public var outstanding: Int
    /// How often the daemon may crash.
    public var crashes: Int
    /// How often the machine may lose its power.
    public var reboots: Int
    /// How often somebody else may mount something over the mountpoint, unmount ours, or move it elsewhere.
    public var outsiders: Int
    /// How many rungs the unmount ladder has.
    public var rungs = 1
    /// What else may happen.
    public var features: Features

    /// What not every exploration has.
    public struct Features: OptionSet, Sendable {
        /// One bit each.
        public let rawValue: Int

        /// From its bits.
        public init(rawValue: Int) { self.rawValue = rawValue }

        /// The daemon's own mounts and unmounts come back to it as hints, as the kernel's do.
        public static let ownHints = Features(rawValue: 1 << 0)
        /// Each attach may ask for a persistent attachment or an ordinary one, whatever its key has been before.
        public static let upgrades = Features(rawValue: 1 << 1)
        /// The last source is external: outsiders mount and unmount it, and nobody else.
        public static let external = Features(rawValue: 1 << 2)
        /// The first source is not healed: a lost mount stays lost until somebody asks.
        public static let unhealed = Features(rawValue: 1 << 3)
        /// A start may find that the ledger cannot be written.
        public static let readOnlyStarts = Features(rawValue: 1 << 4)
    }

    /// Puts the bounds together.
    public init(
        consumers: Int, volumes: Int, sources: Int, outstanding: Int, crashes: Int, reboots: Int, outsiders: Int,
        rungs: Int = 1, features: Features = .ownHints
    ) {
        precondition(
            consumers * volumes <= 8 && sources <= 3 && outstanding <= 6, "the fingerprint has room for no more")
        precondition(
            crashes <= 3 && reboots <= 3 && outsiders <= 3 && rungs <= 3, "the fingerprint has room for no more")
        self.consumers = consumers
        self.volumes = volumes
        self.sources = sources
        self.outstanding = outstanding
        self.crashes = crashes
        self.reboots = reboots
        self.outsiders = outsiders
        self.rungs = rungs
        self.features = features
    }

    /// All keys: a consumer's volumes stand beside each other.
    var keys: Range<UInt8> { 0..<UInt8(consumers * volumes) }

    /// What an attach of the key may ask for: the first volume's attachments are persistent, the others' are not.
    func persistences(of key: UInt8) -> [Bool] {
        features.contains(.upgrades) ? [false, true] : [Int(key) % volumes == 0]
    }

    /// How many kinds of keys there are; those of one kind stand this far apart, and nothing tells them apart.
    var kindsOfKeys: Int { features.contains(.upgrades) ? 1 : volumes }

    func source(_ number: UInt8) -> ModelSource {
        ModelSource(
            number: number, isExternal: features.contains(.external) && Int(number) == sources - 1,
            isHealed: !(features.contains(.unhealed) && number == 0))
    }
}

extension Scenario: CustomStringConvertible {
    public var description: String {
        let names: [(Features, String)] = [
            (.upgrades, "attachments become persistent"), (.external, "an external source"),
            (.unhealed, "a source that is not healed"), (.readOnlyStarts, "read-only starts"),
        ]
        let bounds =
            "\(consumers)×\(volumes) keys, \(sources) source\(sources == 1 ? "" : "s"), "
            + "\(outstanding) outstanding, \(crashes)/\(reboots)/\(outsiders), \(rungs) rung\(rungs == 1 ? "" : "s")"
        return ([bounds] + names.filter { features.contains($0.0) }.map(\.1)).joined(separator: ", ")
    }
}
