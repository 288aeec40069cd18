// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How many requests were answered, and how long that took, since the daemon's start.
///
/// Bounded: only routes of the server are counted by name, and nothing that a client has written is kept.
final class RequestTally: Sendable {
    /// What was asked for.
    struct Place: Hashable, Comparable {
        /// The method, or `other` where there is no such route.
        var method: String
        /// The route as OpenAPI writes it, or `other`.
        var route: String

        static let other = Place(method: "other", route: "other")

        static func < (left: Place, right: Place) -> Bool {
            (left.route, left.method) < (right.route, right.method)
        }
    }

    /// The requests to one place.
    struct Count: Hashable {
        /// How many were answered with each status.
        var byStatus: [Int: Int] = [:]
        /// How many took no longer than each of ``RequestTally/bounds``, but longer than the one before.
        var byDuration = [Int](repeating: 0, count: RequestTally.bounds.count)
        /// How long they took together.
        var duration = Duration.zero

        /// How many there were.
        var total: Int { byStatus.values.reduce(0, +) }

        mutating func note(status: Int, duration: Duration) {
            byStatus[status, default: 0] += 1
            self.duration += duration
            guard let bound = RequestTally.bounds.firstIndex(where: { duration <= .seconds($0) }) else { return }
            byDuration[bound] += 1
        }
    }

    /// In seconds; what takes longer than the last is in none.
    static let bounds = [0.001, 0.01, 0.1, 1, 10]

    private let counts = Mutex<[Place: Count]>([:])

    /// Counts one answer.
    func note(_ place: Place, status: Int, duration: Duration) {
        counts.withLock { $0[place, default: Count()].note(status: status, duration: duration) }
    }

    /// What was counted so far.
    var now: [Place: Count] { counts.withLock { $0 } }
}
