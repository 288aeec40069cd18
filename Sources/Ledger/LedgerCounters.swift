// SPDX-License-Identifier: Apache-2.0

/// What a ledger has done since it was opened.
public struct LedgerCounters: Hashable, Sendable {
    /// Transactions that became durable.
    public var commits = 0
    /// Changes in them; the ratio to `commits` shows how many share one.
    public var changes = 0
    /// Those of `commits` that waited for the device (`man 2 fdatasync`).
    public var fullSyncs = 0
    /// Changes that were answered with an error.
    public var refused = 0
    /// Failed commits whose traces were overwritten before they were reported.
    public var overwrites = 0

    /// The counters that are shown to people, by the names that they have there.
    public var byName: [String: Int] {
        ["commits": commits, "changes": changes, "full_syncs": fullSyncs, "refused": refused]
    }

    /// Starts at zero.
    public init() {}
}
