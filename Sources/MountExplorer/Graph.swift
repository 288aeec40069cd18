// SPDX-License-Identifier: Apache-2.0

/// What is kept of the explored worlds: how each was first reached, and where it must not lead in a circle.
struct Graph {
    private var parents: [UInt32] = []
    private var transitions: [Transition] = []
    /// The ends of the edges on which progress is owed, by source; those of state n begin at `starts[n]`.
    private var edges: [UInt32] = []
    private var starts: [Int] = []
    /// The state that follows if everything goes well; the state itself where nothing is left to do.
    private var good: [UInt32] = []
    private var settled: [Bool] = []

    mutating func addState(parent: UInt32, transition: Transition?) {
        parents.append(parent)
        transitions.append(transition ?? Transition(step: .start(readOnly: false)))
    }

    /// The states are expanded in the order in which they were added.
    mutating func beginExpansion() -> UInt32 {
        starts.append(edges.count)
        return UInt32(starts.count - 1)
    }

    mutating func addEdge(to target: UInt32) {
        if Int(target) != starts.count - 1 { edges.append(target) }
    }

    mutating func endExpansion(good target: UInt32?, isWellSettled: Bool) {
        good.append(target ?? UInt32(starts.count - 1))
        settled.append(isWellSettled)
    }

    /// The state from which the state was first reached, and by which step.
    func origin(of state: UInt32) -> (parent: UInt32, transition: Transition) {
        (parents[Int(state)], transitions[Int(state)])
    }

    /// The shortest way from the beginning.
    func way(to state: UInt32) -> [Transition] {
        var way: [Transition] = []
        var state = Int(state)
        while state != 0 {
            way.append(transitions[state])
            state = Int(parents[state])
        }
        return way.reversed()
    }

    /// A circle on which requests wait for ever, or a state from which the best of luck does not lead to rest.
    func findLivelock() -> Violation? {
        if let circle = findCircle() {
            return Violation("liveness", "the last \(circle.count - 1) steps can go on for ever", along: circle)
        }
        if let state = findGoodRunWithoutRest() {
            return Violation("liveness", "everything goes well from here, and it does not come to rest", along: [state])
        }
        return nil
    }

    /// Takes away states that no edge leads to until none is left; what remains lies on a circle or behind one.
    private func findCircle() -> [UInt32]? {
        var degrees = [UInt32](repeating: 0, count: starts.count)
        for target in edges { degrees[Int(target)] += 1 }
        var free = degrees.indices.filter { degrees[$0] == 0 }
        var taken = 0
        while let state = free.popLast() {
            taken += 1
            for target in edges[range(of: state)] {
                degrees[Int(target)] -= 1
                if degrees[Int(target)] == 0 { free.append(Int(target)) }
            }
        }
        if taken == starts.count { return nil }
        return followBack(degrees)
    }

    /// Every state that is left has one before it that is left too, so going back must end in a circle.
    private func followBack(_ degrees: [UInt32]) -> [UInt32]? {
        var before: [Int: Int] = [:]
        for state in degrees.indices where degrees[state] > 0 {
            for target in edges[range(of: state)] where degrees[Int(target)] > 0 { before[Int(target)] = state }
        }
        guard var state = before.keys.min() else { return nil }
        var way: [Int] = []
        while !way.contains(state) {
            way.append(state)
            guard let previous = before[state] else { return nil }
            state = previous
        }
        guard let first = way.firstIndex(of: state) else { return nil }
        return ([state] + way[first...].reversed()).map(UInt32.init)
    }

    private func range(of state: Int) -> Range<Int> {
        starts[state]..<(state + 1 < starts.count ? starts[state + 1] : edges.count)
    }

    private func findGoodRunWithoutRest() -> UInt32? {
        // 0 is unknown, 1 on the way that is being followed, 2 known to come to rest.
        var marks = [UInt8](repeating: 0, count: good.count)
        var way: [Int] = []
        for first in good.indices where marks[first] == 0 {
            var state = first
            while marks[state] == 0 && Int(good[state]) != state {
                marks[state] = 1
                way.append(state)
                state = Int(good[state])
            }
            if marks[state] == 1 || (marks[state] == 0 && !settled[state]) { return UInt32(first) }
            marks[state] = 2
            for passed in way { marks[passed] = 2 }
            way.removeAll(keepingCapacity: true)
        }
        return nil
    }
}
