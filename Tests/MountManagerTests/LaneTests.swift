// SPDX-License-Identifier: Apache-2.0

import MountModel
import MountTestSupport
import Testing

@testable import MountManager

@Suite struct LaneTests {
    private var lane = Lane(limit: 1)

    private func turn(isAwaited: Bool) -> Turn { Turn(in: .table, isAwaited: isAwaited) }

    /// Takes and ends turns until none is left, and says which of the list each was.
    private mutating func order(of turns: [Turn]) -> [Int?] {
        var order: [Int?] = []
        while let next = lane.next() {
            order.append(turns.firstIndex { $0 === next })
            lane.end(next)
        }
        return order
    }

    @Test mutating func noMoreThanTheLimitAreUnderWay() {
        lane = Lane(limit: 2)
        for _ in 0..<3 { lane.add(turn(isAwaited: true)) }
        let taken = [lane.next(), lane.next(), lane.next()].compactMap(\.self)
        #expect(taken.count == 2)
        #expect(lane.waiting == 1)
        lane.end(taken[0])
        let third = lane.next()
        #expect(third != nil)
        #expect(lane.running == 2)
    }

    @Test mutating func whatIsAwaitedAndTheRestTakeTurns() {
        let turns = [false, false, false, false, true, true].map { turn(isAwaited: $0) }
        for turn in turns { lane.add(turn) }
        let order = self.order(of: turns)
        #expect(order == [4, 0, 5, 1, 2, 3])
        #expect(lane.awaited == 0)
        #expect(lane.running == 0)
    }

    @Test mutating func whoIsWaitedForChangesTheQueue() {
        let turns = [false, false, false, true].map { turn(isAwaited: $0) }
        for turn in turns { lane.add(turn) }
        lane.promote(turns[2])
        #expect(lane.waiting == 4)
        #expect(lane.awaited == 2)
        let order = self.order(of: turns)
        #expect(order == [3, 0, 2, 1])
        #expect(lane.awaited == 0)
    }

    @Test mutating func whatIsWithdrawnNeverBegins() {
        let turns = [true, true, false].map { turn(isAwaited: $0) }
        for turn in turns { lane.add(turn) }
        let withdrawn = [lane.withdraw(turns[0]), lane.withdraw(turns[2]), lane.withdraw(turns[0])]
        #expect(withdrawn == [true, true, false])
        #expect(lane.waiting == 1)
        #expect(lane.awaited == 1)
        let order = self.order(of: turns)
        #expect(order == [1])
        let isLate = !lane.withdraw(turns[1])
        #expect(isLate)
    }

    @Test mutating func aHundredThousandWithdrawnOnesAreForgotten() {
        for _ in 0..<100_000 {
            let turn = turn(isAwaited: true)
            lane.add(turn)
            _ = lane.withdraw(turn)
        }
        #expect(lane.waiting == 0)
        #expect(lane.held <= 64)
    }

    private func turn(of server: String?, isAwaited: Bool = true) -> Turn {
        Turn(in: .sources, isAwaited: isAwaited, server: server.map { ExactText($0) })
    }

    @Test mutating func oneServerHasNoMoreThanItsShareAndOthersPass() {
        lane = Lane(limit: 4, limitPerServer: 2)
        let turns = ["dead", "dead", "dead", "dead", "well", nil].map { turn(of: $0) }
        for turn in turns { lane.add(turn) }
        var begun: [Turn] = []
        while let next = lane.next() { begun.append(next) }
        let places = begun.map { turn in turns.firstIndex { $0 === turn } }
        #expect(places == [0, 1, 4, 5])
        #expect(lane.waiting == 2)
        let isDeadFull = lane.isFull(for: ExactText("dead"))
        #expect(isDeadFull && !lane.isFull(for: ExactText("well")))
        // The place of another does not help those that wait for the server.
        lane.end(turns[4])
        let none = lane.next()
        #expect(none == nil)
        // Who has waited longest has the server's, before those who came later.
        lane.add(turn(of: "late"))
        lane.end(turns[0])
        let next = lane.next()
        #expect(next === turns[2])
        for turn in [turns[1], turns[2], turns[5]] { lane.end(turn) }
        while let next = lane.next() { lane.end(next) }
        #expect(lane.waiting == 0 && lane.running == 0 && lane.awaited == 0)
    }

    @Test mutating func whoWaitsForAServerIsWithdrawnAndPromotedAsOthers() {
        lane = Lane(limit: 4, limitPerServer: 1)
        let turns = [true, false, false, true].map { turn(of: "dead", isAwaited: $0) }
        for turn in turns { lane.add(turn) }
        let first = lane.next()
        #expect(first === turns[0])
        let second = lane.next()
        #expect(second == nil)
        #expect(lane.waiting == 3)
        lane.promote(turns[2])
        let isWithdrawn = lane.withdraw(turns[3])
        #expect(isWithdrawn && lane.waiting == 2 && lane.awaited == 2)
        lane.end(turns[0])
        let order = self.order(of: turns)
        #expect(order == [1, 2])
        #expect(lane.waiting == 0 && lane.awaited == 0)
    }

    @Test mutating func theLineGoesOnWhenTheOneWhoWasLetOutOfItGivesUp() {
        lane = Lane(limit: 2, limitPerServer: 1)
        let dead = [turn(of: "dead"), turn(of: "dead"), turn(of: "dead")]
        let well = turn(of: "well"), other = turn(of: "other", isAwaited: false)
        for turn in dead { lane.add(turn) }
        let first = lane.next(), none = lane.next()
        #expect(first === dead[0] && none == nil)
        lane.add(well)
        let second = lane.next()
        #expect(second === well)
        lane.add(other)
        // The server's place is free, but it is the others' turn.
        lane.end(dead[0])
        let third = lane.next()
        #expect(third === other)
        let isWithdrawn = lane.withdraw(dead[1])
        #expect(isWithdrawn)
        lane.end(well)
        let last = lane.next()
        #expect(last === dead[2])
        #expect(lane.underWay.count == 2)
    }

    @Test mutating func whatCannotBeHelpedGivesItsPlaceButNotItsServers() {
        lane = Lane(limit: 1, limitPerServer: 1)
        let turns = ["dead", "dead", "well", "other"].map { turn(of: $0) }
        for turn in turns { lane.add(turn) }
        let first = lane.next()
        #expect(first === turns[0])
        lane.leave(turns[0])
        let second = lane.next()
        #expect(second === turns[2])
        // No more than the limit once more: two of them hold it.
        lane.leave(turns[2])
        let third = lane.next()
        #expect(third == nil && lane.left == 1 && lane.running == 1)
        lane.end(turns[0])
        lane.end(turns[2])
        #expect(lane.left == 0 && lane.running == 0)
        let order = self.order(of: turns)
        #expect(order == [1, 3])
    }

    @Test func aNewcomerThatGivesUpLetsNobodyOutOfTheLine() {
        var lane = Lane(limit: 3, limitPerServer: 1)
        let dead = (0..<4).map { _ in turn(of: "dead") }
        let others = (0..<3).map { _ in turn(of: nil) }
        for turn in [dead[0]] + others + dead[1...] { lane.add(turn) }
        while lane.next() != nil {}
        lane.end(others[0])
        _ = lane.next()
        // All of the server's are in its line but for the first, and the lane is full again.
        lane.end(others[1])
        while lane.next() != nil {}
        lane.add(turn(of: nil))
        _ = lane.next()
        lane.end(dead[0])
        let newcomer = turn(of: "dead")
        lane.add(newcomer)
        _ = lane.withdraw(newcomer)
        var order: [Int?] = []
        while let next = lane.next() {
            order.append(dead.firstIndex { $0 === next })
            lane.end(next)
        }
        #expect(order.compactMap(\.self) == [1, 2, 3])
    }

    /// The lane against what it promises, with whoever comes, ends, gives up, or is waited for at random.
    @Test(arguments: 0..<UInt64(200)) func atRandomNoneIsTooManyAndNobodyIsPassedBy(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var lane = Lane(limit: 4, limitPerServer: 2)
        var waiting: [Turn] = []
        var running: [Turn] = []
        var promoted: Set<ObjectIdentifier> = []
        var wrong: [String] = []

        func isServerFull(_ server: ExactText?) -> Bool {
            server != nil && running.count { $0.server == server } >= 2
        }
        func begin() {
            while let turn = lane.next() {
                if isServerFull(turn.server) { wrong.append("one too many of its server") }
                if let index = waiting.firstIndex(where: { $0 === turn }) {
                    let earlier = waiting[..<index].contains {
                        $0.server == turn.server && $0.isAwaited == turn.isAwaited
                    }
                    // What is promoted out of its line keeps the place that it was let out for.
                    if earlier, !promoted.contains(ObjectIdentifier(turn)) {
                        wrong.append("an earlier one still waits")
                    }
                    waiting.remove(at: index)
                } else {
                    wrong.append("one begins that does not wait")
                }
                running.append(turn)
            }
            let placed = running.count { $0.state == .running }
            if placed > 4 { wrong.append("too many") }
            if placed < 4, waiting.contains(where: { !isServerFull($0.server) }) {
                wrong.append("there is room, and somebody waits who may begin")
            }
        }

        for _ in 0..<400 {
            switch Int.random(in: 0..<12, using: &random) {
            case 0..<5:
                let server = ["a", "b", nil].randomElement(using: &random) ?? nil
                let turn = turn(of: server, isAwaited: .random(using: &random))
                waiting.append(turn)
                lane.add(turn)
                begin()
            case 5..<8:
                guard let turn = running.randomElement(using: &random) else { continue }
                running.removeAll { $0 === turn }
                lane.end(turn)
                // Sometimes more than one ends before somebody looks.
                if Bool.random(using: &random) { begin() }
            case 8..<10:
                guard let turn = waiting.randomElement(using: &random) else { continue }
                waiting.removeAll { $0 === turn }
                if !lane.withdraw(turn) { wrong.append("who waits cannot give up") }
            case 10:
                guard let turn = waiting.filter({ !$0.isAwaited }).randomElement(using: &random) else { continue }
                lane.promote(turn)
                promoted.insert(ObjectIdentifier(turn))
                waiting.removeAll { $0 === turn }
                waiting.append(turn)
            default:
                guard let turn = running.filter({ $0.state == .running }).randomElement(using: &random) else {
                    continue
                }
                lane.leave(turn)
                begin()
            }
            if lane.waiting != waiting.count { wrong.append("\(lane.waiting) wait, and not \(waiting.count)") }
        }
        begin()
        while let turn = running.popLast() {
            lane.end(turn)
            begin()
        }
        #expect(wrong.isEmpty, "seed \(seed)")
        #expect(waiting.isEmpty && lane.waiting == 0 && lane.running == 0 && lane.awaited == 0 && lane.left == 0)
    }
}
