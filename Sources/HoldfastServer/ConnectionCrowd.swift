// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Who is connected, and who has to go when too many are: a value, so that it can be tested.
///
/// A connection is occupied while an answer is owed to it. The others are closed, who has waited longest first, as soon
/// as no more than `reserve` places are left; so a newcomer is refused only where all are occupied, and the reserve is
/// for requests that are answered at once: who attaches is refused there.
struct ConnectionCrowd<ID: Hashable & Sendable>: Sendable {
    /// How many may be connected.
    let limit: Int
    /// How many places attaches leave to others.
    var reserve: Int { min(64, limit / 4) }

    private enum Place {
        /// Since when nothing is owed to it, as a number that grows.
        case free(since: UInt64)
        case occupied
        /// It has been told to end.
        case leaving
    }

    private var places: [ID: Place] = [:]
    private var present = 0
    private var occupied = 0
    private var clock: UInt64 = 0

    init(limit: Int) { self.limit = limit }

    /// How many are connected, those that have been told to end apart.
    var count: Int { present }

    /// Whether so many are occupied that only the reserve is left.
    var isCrowded: Bool { occupied >= limit - reserve }

    /// Whether it has been told to end.
    func isLeaving(_ id: ID) -> Bool { if case .leaving = places[id] { true } else { false } }

    /// Somebody has connected.
    ///
    /// - Returns: whether he may stay, and who is to go for it.
    mutating func enter(_ id: ID) -> (isAdmitted: Bool, leaving: ID?) {
        clock += 1
        let isAdmitted = present < limit || oldest() != nil
        places[id] = isAdmitted ? .free(since: clock) : .leaving
        if !isAdmitted { return (false, nil) }
        present += 1
        guard present > limit - reserve, let oldest = oldest(but: id) else { return (true, nil) }
        places[oldest] = .leaving
        present -= 1
        return (true, oldest)
    }

    /// An answer is owed to it from now on, or not any more.
    mutating func setOccupied(_ id: ID, _ isOccupied: Bool) {
        switch (places[id], isOccupied) {
        case (nil, _), (.leaving, false), (.occupied, true): return
        case (.leaving, true):
            // What it sent before it heard of it is answered.
            present += 1
            occupied += 1
        case (.free, true): occupied += 1
        case (.occupied, false): occupied -= 1
        case (.free, false): break
        }
        clock += 1
        places[id] = isOccupied ? .occupied : .free(since: clock)
    }

    /// It is closed.
    mutating func leave(_ id: ID) {
        switch places.removeValue(forKey: id) {
        case .free: present -= 1
        case .occupied:
            present -= 1
            occupied -= 1
        case .leaving, nil: break
        }
    }

    private func oldest(but id: ID? = nil) -> ID? {
        var found: (id: ID, since: UInt64)?
        for (candidate, place) in places where candidate != id {
            guard case .free(let since) = place, since < found?.since ?? .max else { continue }
            found = (candidate, since)
        }
        return found?.id
    }
}

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
