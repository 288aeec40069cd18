// SPDX-License-Identifier: Apache-2.0

/// The figures of a crash run.
struct CrashReport {
    /// Kills by kind: `failpoint`, `moment`, `rest`, `recovery`, `missed` (a failpoint that was not reached in time).
    var kills: [String: Int] = [:]
    /// Kills at failpoints, by name.
    var failpoints: [String: Int] = [:]
    /// How many of those were aimed at the daemon alone, while its worker went on.
    var orphanings = 0
    var starts = 0
    var checks = 0
    var tally = Tally()
    /// Attachments that a check found as they had been acknowledged, files that were read back, both summed up.
    var verifiedAttachments = 0
    var verifiedFiles = 0
    /// Reboots, and the attachments that were there again after them.
    var reboots = 0
    var restoredAttachments = 0
    /// From the start of the process, in milliseconds: to the first request taken, and to all mounts at rest.
    var listening: [Double] = []
    var settled: [Double] = []

    var killed: Int { kills.values.reduce(0, +) }

    /// As a table for `docs/reliability.md`.
    func table(seed: UInt64, seconds: Double, unreached: [String]) -> String {
        let kinds = kills.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        let refused = tally.refused.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        return """
            | seed \(seed) | |
            | --- | --- |
            | kills | \(killed): \(kinds) |
            | failpoints hit | \(failpoints.count), \(failpoints.values.min() ?? 0) to \
            \(failpoints.values.max() ?? 0) times each |
            | of them with a worker that was to go on | \(orphanings) |
            | failpoints never reached | \(unreached.isEmpty ? "none" : unreached.joined(separator: ", ")) |
            | starts, complete checks | \(starts), \(checks) |
            | requests | \(tally.requests): \(tally.attached) attached, \(tally.detached) detached, \
            \(tally.unanswered) unanswered, \(tally.hungUp) hung up |
            | refused | \(refused) |
            | attachments, files verified after kills | \(verifiedAttachments), \(verifiedFiles) |
            | reboots, persistent attachments verified after them | \(reboots), \(restoredAttachments) |
            | from start to listening, median / max | \(Self.spread(listening)) |
            | from start to all at rest, median / max | \(Self.spread(settled)) |
            | violations | 0 |
            | duration | \(Int(seconds)) s |
            """
    }

    private static func spread(_ values: [Double]) -> String {
        let sorted = values.sorted()
        guard let last = sorted.last else { return "none" }
        return "\(Int(sorted[sorted.count / 2])) / \(Int(last)) ms"
    }
}
