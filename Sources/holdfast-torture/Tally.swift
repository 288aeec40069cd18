// SPDX-License-Identifier: Apache-2.0

internal import HoldfastAPI

/// What the clients have sent, and how it was answered.
struct Tally: Sendable {
    var attached = 0
    var detached = 0
    /// Answered with a problem, by its code.
    var refused: [String: Int] = [:]
    var unanswered = 0
    /// The client did not wait for the answer.
    var hungUp = 0

    /// Requests that reached a daemon.
    var requests: Int { attached + detached + refused.values.reduce(0, +) + unanswered + hungUp }

    static func += (sum: inout Tally, other: Tally) {
        sum.attached += other.attached
        sum.detached += other.detached
        sum.refused.merge(other.refused, uniquingKeysWith: +)
        sum.unanswered += other.unanswered
        sum.hungUp += other.hungUp
    }

    /// Counts a request that failed, and says what its sender knows now.
    mutating func count(_ problem: Problem) -> KeyRecord.Outcome {
        switch problem.operation {
        // The client's own problems: `connect` has not sent anything, `request` has not got an answer.
        case "connect": return .notSent
        case "request":
            unanswered += 1
            return .unanswered
        default:
            refused[problem.code, default: 0] += 1
            return .refused
        }
    }
}
