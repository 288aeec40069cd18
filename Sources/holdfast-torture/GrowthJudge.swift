// SPDX-License-Identifier: Apache-2.0

/// Says whether a process has grown: the soak's rule.
///
/// Memory: the trend of the private memory after the warm-up, as the median of the slopes between all pairs of samples
/// (Theil and Sen: a single spike does not count), is at most a number of KiB a minute. Descriptors by kind: in no
/// pause of the load after the warm-up are there more than in the first of those pauses. Threads, of which the
/// runtime's pools start and end some as they like: the second half of the time after the warm-up never has more than
/// the first half had.
struct GrowthJudge: Sendable {
    /// How long the process may still grow, in seconds.
    var warmUp = 300.0
    /// How much more memory it may use a minute, in KiB.
    var limit = 64.0

    /// What has grown; empty for a pass.
    func complaints(loaded: [ProcessSample], pauses: [ProcessSample]) -> [String] {
        var complaints = threadComplaints(loaded.filter { $0.second >= warmUp })
        let trend = trend(of: loaded)
        if let trend, trend > limit {
            complaints.append("memory grows by \(Int(trend)) KiB a minute, \(Int(limit)) are allowed")
        }
        if trend == nil { complaints.append("too few samples after the warm-up of \(Int(warmUp)) s") }
        let settled = pauses.filter { $0.second >= warmUp }
        guard let first = settled.first, settled.count > 1 else {
            return complaints + ["too few pauses after the warm-up of \(Int(warmUp)) s"]
        }
        for pause in settled.dropFirst() {
            for (kind, count) in pause.descriptors where count > first.descriptors[kind, default: 0] {
                complaints.append(
                    "\(count) descriptors of \(kind) at \(Int(pause.second)) s, "
                        + "\(first.descriptors[kind, default: 0]) at first")
            }
        }
        return complaints
    }

    private func threadComplaints(_ settled: [ProcessSample]) -> [String] {
        let half = settled.count / 2
        guard let first = settled[..<half].map(\.threads).max(), let second = settled[half...].map(\.threads).max(),
            second > first
        else { return [] }
        return ["\(second) threads, \(first) in the first half"]
    }

    /// KiB a minute; nil where there are too few samples.
    func trend(of loaded: [ProcessSample]) -> Double? {
        let settled = loaded.filter { $0.second >= warmUp }
        guard settled.count >= 20 else { return nil }
        var slopes: [Double] = []
        for (index, first) in settled.enumerated() {
            for second in settled[(index + 1)...] where second.second > first.second {
                slopes.append(Double(second.privateKiB - first.privateKiB) / (second.second - first.second) * 60)
            }
        }
        slopes.sort()
        return slopes.isEmpty ? nil : slopes[slopes.count / 2]
    }
}
