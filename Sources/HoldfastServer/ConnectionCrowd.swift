// SPDX-License-Identifier: Apache-2.0

/// Who is connected, and who has to go when too many are: a value, so that it can be tested.
///
/// A connection to which an answer is owed is occupied. Those that need their place for nothing are closed, who has
/// waited longest first, as soon as no more than `reserve` places are left; those that only read, when none is left. So
/// a newcomer is refused only where all are occupied, and the reserve is for requests that are answered at once: who
/// attaches is refused there.
struct ConnectionCrowd<ID: Hashable & Sendable>: Sendable {
    /// How many may be connected.
    let limit: Int
    /// How many places attaches leave to others.
    var reserve: Int { min(64, limit / 4) }

    private enum Place {
        /// What it needs it for, and since when, as a number that grows.
        case staying(ConnectionNeed, since: UInt64)
        /// It has been told to end.
        case leaving
    }

    private var places: [ID: Place] = [:]
    private var present = 0
    private var occupied = 0
    private var clock: UInt64 = 0

    init(limit: Int) { self.limit = limit }

    /// How many are connected, those that have been told to end apart: they are closed as soon as they hear it.
    var count: Int { present }

    /// Whether so many are occupied that only the reserve is left.
    var isCrowded: Bool { occupied >= limit - reserve }

    /// Whether it has been told to end.
    func isLeaving(_ id: ID) -> Bool { if case .leaving = places[id] { true } else { false } }

    /// Somebody has connected.
    ///
    /// - Returns: whether he may stay, and who is to go for it.
    mutating func enter(_ id: ID) -> (isAdmitted: Bool, leaving: ID?) {
        guard present < limit || occupied < present else {
            places[id] = .leaving
            return (false, nil)
        }
        var leaving: ID?
        if present >= limit - reserve { leaving = oldest(.nothing) }
        if leaving == nil, present >= limit { leaving = oldest(.reading) }
        if let leaving {
            places[leaving] = .leaving
            present -= 1
        }
        clock += 1
        places[id] = .staying(.nothing, since: clock)
        present += 1
        return (true, leaving)
    }

    /// It needs its place for this from now on.
    mutating func set(_ id: ID, to need: ConnectionNeed) {
        let before: ConnectionNeed
        switch places[id] {
        case nil: return
        case .staying(let known, _): before = known
        case .leaving:
            // What it sent before it heard of it is answered.
            if need != .answer { return }
            present += 1
            before = .nothing
        }
        if need == .answer { occupied += 1 }
        if before == .answer { occupied -= 1 }
        clock += 1
        places[id] = .staying(need, since: clock)
    }

    /// It is closed.
    mutating func leave(_ id: ID) {
        guard case .staying(let need, _) = places.removeValue(forKey: id) else { return }
        present -= 1
        if need == .answer { occupied -= 1 }
    }

    private func oldest(_ need: ConnectionNeed) -> ID? {
        var found: (id: ID, since: UInt64)?
        for (candidate, place) in places {
            guard case .staying(need, let since) = place, since < found?.since ?? .max else { continue }
            found = (candidate, since)
        }
        return found?.id
    }
}
