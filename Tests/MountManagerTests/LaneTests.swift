// SPDX-License-Identifier: Apache-2.0

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
}
