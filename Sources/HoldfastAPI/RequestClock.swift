// SPDX-License-Identifier: Apache-2.0

/// Measures one request against its deadline, on the clock that stands still while the machine sleeps.
struct RequestClock {
    private let start = SuspendingClock.now
    /// How long the request may take.
    let limit: Duration
    /// Called about ten times a second while waiting, with the time since the start.
    let onWait: ((Duration) -> Void)?

    /// What is left; zero or less when the deadline has passed.
    var remaining: Duration { limit - (SuspendingClock.now - start) }

    /// The milliseconds for the next `poll`, rounded up so that it does not spin before the deadline; nil when that has
    /// passed. Calls `onWait`.
    func nextWait() -> Int32? {
        let remaining = remaining
        guard remaining > .zero else { return nil }
        guard let onWait else { return Self.milliseconds(remaining) }
        onWait(limit - remaining)
        return min(Self.milliseconds(remaining), 100)
    }

    private static func milliseconds(_ duration: Duration) -> Int32 {
        let (seconds, attoseconds) = duration.components
        guard seconds < 2_000_000 else { return 2_000_000_000 }
        return Int32(seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
