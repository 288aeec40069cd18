// SPDX-License-Identifier: Apache-2.0

/// Tries every course of events within a scenario's bounds, breadth first, so that the first violation is a shortest
/// one.
public struct Explorer {
    /// What an exploration came to.
    public struct Report: Sendable {
        /// How many different worlds there are.
        public internal(set) var states = 0
        /// How many steps lead from one to another.
        public internal(set) var transitions = 0
        /// The length of the longest shortest way.
        public internal(set) var depth = 0
        /// What is wrong, if anything is.
        public internal(set) var violation: Violation?
    }

    private let scenario: Scenario
    private let isLivenessChecked: Bool

    private var visited = VisitedSet()
    private var graph = Graph()
    private var report = Report()
    /// Kept for its memory.
    private var steps: [Step] = []

    /// Prepares an exploration.
    ///
    /// - Parameters:
    ///   - scenario: The bounds.
    ///   - checksLiveness: Whether the finished graph is searched for ways that never come to rest.
    public init(_ scenario: Scenario, checksLiveness: Bool = true) {
        self.scenario = scenario
        isLivenessChecked = checksLiveness
    }

    /// Explores until everything is seen or something is wrong. Takes seconds, and about a hundred bytes for each
    /// state: worlds are not kept but made again, by the steps that first led to them.
    ///
    /// - Parameter limit: About how many states to see at most; then there is no verdict on liveness.
    public mutating func run(limit: Int = .max) -> Report {
        var walk = TreeWalk(from: World(scenario))
        _ = visited.insert(walk.world.fingerprint())
        graph.addState(parent: 0, transition: nil)
        var (state, levelEnd) = (0, 1)
        while state < visited.count {
            if visited.count >= limit { return finish(nil) }
            if state == levelEnd {
                report.depth += 1
                levelEnd = visited.count
            }
            do throws(Violation) {
                try walk.go(to: UInt32(state), atDepth: report.depth, in: graph)
                try expand(walk.world)
            } catch {
                return finish(error)
            }
            state += 1
        }
        return finish(isLivenessChecked ? graph.findLivelock() : nil)
    }

    private mutating func expand(_ world: World) throws(Violation) {
        let source = graph.beginExpansion()
        world.steps(into: &steps)
        var best = (goodness: 0, target: UInt32.max)
        for step in steps {
            let (target, effects) = try take(Transition(step: step), from: world, at: source)
            let goodness = world.goodness(of: step)
            if goodness > best.goodness { best = (goodness, target) }
            if world.crashes > 0 && effects > 1 { try cut(step, from: world, effects, at: source) }
        }
        graph.endExpansion(good: best.goodness == 0 ? nil : best.target, isWellSettled: world.isWellSettled)
    }

    /// The same step once more, with the daemon dying after each of its effects but the last.
    private mutating func cut(
        _ step: Step, from world: World, _ effects: Int, at source: UInt32
    ) throws(Violation) {
        for cut in 1..<effects {
            for isDurable in [false, true] {
                let transition = Transition(step: step, cut: UInt8(cut), isDurable: isDurable)
                _ = try take(transition, from: world, at: source)
            }
        }
    }

    private mutating func take(
        _ transition: Transition, from world: World, at source: UInt32
    ) throws(Violation) -> (target: UInt32, effects: Int) {
        var after = world
        let effects: Int
        do throws(Violation) {
            effects = try after.apply(transition)
        } catch {
            throw error.traced(graph.way(to: source) + [transition], in: scenario)
        }
        report.transitions += 1
        let (target, isNew) = visited.insert(after.fingerprint())
        if isNew { graph.addState(parent: source, transition: transition) }
        if world.mustProgress(by: transition, to: after) { graph.addEdge(to: target) }
        return (target, effects)
    }

    private mutating func finish(_ violation: Violation?) -> Report {
        report.states = visited.count
        report.violation = violation
        if let states = violation?.states, let first = states.first {
            let before = graph.way(to: first)
            report.violation = violation?.traced(before + steps(along: states, after: before), in: scenario)
        }
        return report
    }

    /// The steps from state to state; the graph keeps only that there are some.
    private mutating func steps(along states: [UInt32], after way: [Transition]) -> [Transition] {
        var world = World(scenario)
        for transition in way { _ = try? world.apply(transition) }
        var taken: [Transition] = []
        for state in states.dropFirst() {
            world.steps(into: &steps)
            for step in steps {
                var after = world
                let transition = Transition(step: step)
                guard (try? after.apply(transition)) != nil,
                    visited.insert(after.fingerprint()).number == state
                else { continue }
                taken.append(transition)
                world = after
                break
            }
        }
        return taken
    }
}
