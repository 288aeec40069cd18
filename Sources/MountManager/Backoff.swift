// SPDX-License-Identifier: Apache-2.0

/// The pauses between retries: each twice the one before, up to a limit.
public struct Backoff: Hashable, Sendable {
    /// The first pause.
    public var first: Duration
    /// No pause is longer.
    public var limit: Duration
    private var next: Duration

    /// Starts at the first pause.
    public init(first: Duration = .milliseconds(100), limit: Duration = .seconds(30)) {
        self.first = first
        self.limit = limit
        next = first
    }

    /// The pause to make now.
    public mutating func pause() -> Duration {
        defer { next = min(next * 2, limit) }
        return next
    }

    /// Begins again at the first pause, after a success.
    public mutating func reset() { next = first }
}
