// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// The product's state machine over small integers.
public typealias Machine = MountState<UInt8, UInt8>

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
    /// How often somebody else may mount something over the mountpoint or unmount ours.
    public var outsiders: Int
    /// How many rungs the unmount ladder has.
    public var rungs = 1
    /// Whether the daemon's own mounts and unmounts come back to it as hints, as the kernel's do.
    public var hasOwnHints = true

    /// Puts the bounds together.
    public init(
        consumers: Int, volumes: Int, sources: Int, outstanding: Int, crashes: Int, reboots: Int, outsiders: Int,
        rungs: Int = 1, hasOwnHints: Bool = true
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
        self.hasOwnHints = hasOwnHints
    }

    /// The rows that every commit is explored with; the smallest comes first.
    public static let rows = [
        Scenario(consumers: 2, volumes: 1, sources: 1, outstanding: 2, crashes: 1, reboots: 0, outsiders: 1),
        Scenario(consumers: 2, volumes: 1, sources: 2, outstanding: 2, crashes: 1, reboots: 1, outsiders: 1),
        Scenario(consumers: 1, volumes: 2, sources: 2, outstanding: 2, crashes: 1, reboots: 1, outsiders: 1),
        Scenario(
            consumers: 3, volumes: 2, sources: 1, outstanding: 3, crashes: 1, reboots: 1, outsiders: 0,
            hasOwnHints: false),
    ]

    /// All keys: a consumer's volumes stand beside each other.
    var keys: Range<UInt8> { 0..<UInt8(consumers * volumes) }

    /// The first volume's attachments are persistent, the others' are not.
    func isPersistent(_ key: UInt8) -> Bool { Int(key) % volumes == 0 }

    /// The persistent ones among all keys.
    var persistentKeys: KeySet {
        var set = KeySet()
        for key in keys where isPersistent(key) { set.insert(key) }
        return set
    }
}

extension Scenario: CustomStringConvertible {
    public var description: String {
        "\(consumers)×\(volumes) keys, \(sources) sources, \(outstanding) outstanding, "
            + "\(crashes)/\(reboots)/\(outsiders), \(rungs) rungs"
    }
}
