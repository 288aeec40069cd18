// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import HoldfastServer

@Suite struct ConnectionCrowdTests {
    @Test func `while there is room nobody goes`() {
        var crowd = ConnectionCrowd<Int>(limit: 8)
        for id in 0..<6 { #expect(crowd.enter(id) == (true, nil)) }
        #expect(crowd.count == 6)
        #expect(!crowd.isCrowded)
        // Two places are the reserve.
        #expect(crowd.enter(6) == (true, 0))
        #expect(crowd.count == 6)
    }

    @Test func `who is occupied stays, and who was answered goes after those who never asked`() {
        var crowd = ConnectionCrowd<Int>(limit: 4)
        for id in 0..<3 { _ = crowd.enter(id) }
        crowd.setOccupied(0, true)
        crowd.setOccupied(1, true)
        crowd.setOccupied(1, false)
        #expect(crowd.enter(3) == (true, 2))
        #expect(crowd.enter(4) == (true, 1))
        crowd.setOccupied(3, true)
        crowd.setOccupied(4, true)
        #expect(crowd.enter(5) == (true, nil))
        #expect(crowd.isCrowded)
        crowd.setOccupied(5, true)
        #expect(crowd.enter(6) == (false, nil))
        #expect(crowd.count == 4)
        crowd.leave(6)
        crowd.leave(0)
        #expect(crowd.count == 3)
        #expect(crowd.enter(7) == (true, nil))
    }

    @Test func `who was told to go and asks in that moment counts again until he is closed`() {
        var crowd = ConnectionCrowd<Int>(limit: 4)
        for id in 0..<4 { _ = crowd.enter(id) }
        #expect(crowd.isLeaving(0))
        #expect(crowd.count == 3)
        crowd.setOccupied(0, true)
        #expect(crowd.count == 4)
        for id in 0..<4 { crowd.leave(id) }
        #expect(crowd.count == 0)
    }

    @Test func `attaches leave the reserve to others, however many are connected and idle`() {
        var crowd = ConnectionCrowd<Int>(limit: 8)
        for id in 0..<8 {
            _ = crowd.enter(id)
            crowd.setOccupied(id, true)
        }
        #expect(crowd.isCrowded)
        for id in 0..<8 { crowd.setOccupied(id, false) }
        #expect(crowd.count == 8)
        #expect(!crowd.isCrowded)
        for id in 0..<6 {
            #expect(!crowd.isCrowded)
            crowd.setOccupied(id, true)
        }
        #expect(crowd.isCrowded)
        crowd.leave(0)
        #expect(!crowd.isCrowded)
    }

    @Test func `a line stands for all that came since the last one`() {
        var bound = LogBound(pause: .seconds(60))
        #expect(bound.add(at: .uptimeNanoseconds(0)) == 1)
        #expect(bound.add(at: .uptimeNanoseconds(0) + .seconds(1)) == nil)
        #expect(bound.add(at: .uptimeNanoseconds(0) + .seconds(59)) == nil)
        #expect(bound.add(at: .uptimeNanoseconds(0) + .seconds(60)) == 3)
    }
}
