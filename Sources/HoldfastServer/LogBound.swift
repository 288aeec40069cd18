// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Lets a line into the log once in a while, and says how many it stands for.
struct LogBound: Sendable {
    private let pause: TimeAmount
    private var next: NIODeadline?
    private var count = 0

    init(pause: TimeAmount = .seconds(60)) { self.pause = pause }

    /// Counts one more; returns how many there were since the last line, where one may be written now.
    mutating func add(at now: NIODeadline) -> Int? {
        count += 1
        if let next, now < next { return nil }
        defer { count = 0 }
        next = now + pause
        return count
    }
}
