// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// The pauses between retries: each twice the one before, up to a limit.
///
/// What failed begins again at the first pause once something has succeeded. What is lost is made anew at once, but
/// what is lost again before it has been good for as long as the limit waits longer each time: a FUSE process that dies
/// whenever it is started would otherwise be started as fast as it dies.
public struct Backoff: Hashable, Sendable {
    /// The first pause.
    public var first: Duration
    /// No pause is longer.
    public var limit: Duration
    private var afterFailure: Duration
    private var afterLoss = Duration.zero
    private var goodSince: ContinuousClock.Instant?

    /// Starts at the first pause.
    public init(first: Duration = .milliseconds(100), limit: Duration = .seconds(30)) {
        self.first = first
        self.limit = limit
        afterFailure = first
    }

    /// The pause to make now.
    public mutating func pause(
        after setback: MountpointState.Setback, at now: ContinuousClock.Instant = .now
    ) -> Duration {
        let wasGoodFor = goodSince?.duration(to: now) ?? .zero
        goodSince = nil
        switch setback {
        case .failure:
            defer { afterFailure = longer(afterFailure) }
            return afterFailure
        case .loss:
            if wasGoodFor >= limit { afterLoss = .zero }
            defer { afterLoss = longer(afterLoss) }
            return afterLoss
        }
    }

    /// Notes that all is well; may be told so more than once.
    public mutating func succeeded(at now: ContinuousClock.Instant = .now) {
        afterFailure = first
        if goodSince == nil { goodSince = now }
    }

    private func longer(_ pause: Duration) -> Duration { min(max(pause * 2, first), max(limit, first)) }
}
