// SPDX-License-Identifier: Apache-2.0

/// The worlds on the way from the beginning to one state, made anew for each state in turn.
///
/// States are numbered in the order in which they were first reached, so that neighbours have most of their way in
/// common: one or two steps lead from one to the next, and no world has to be kept until its turn comes.
struct TreeWalk {
    /// The states on the way, the first one first, and their worlds.
    private var way: [(state: UInt32, world: World)]

    /// Begins at the first state.
    init(from world: World) { way = [(0, world)] }

    /// The world of the state at the end of the way.
    var world: World { way[way.count - 1].world }

    /// Goes to a state at this many steps from the beginning.
    ///
    /// - Throws: nothing, for every step has been taken before.
    mutating func go(to state: UInt32, atDepth depth: Int, in graph: Graph) throws(Violation) {
        var ahead: [(state: UInt32, transition: Transition)] = []
        var (state, depth) = (state, depth)
        while depth >= way.count || way[depth].state != state {
            let (parent, transition) = graph.origin(of: state)
            ahead.append((state, transition))
            (state, depth) = (parent, depth - 1)
        }
        way.removeSubrange((depth + 1)...)
        for step in ahead.reversed() {
            var next = world
            _ = try next.apply(step.transition)
            way.append((step.state, next))
        }
    }
}
