// SPDX-License-Identifier: Apache-2.0

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
        crowd.set(0, to: .answer)
        crowd.set(1, to: .answer)
        crowd.set(1, to: .nothing)
        #expect(crowd.enter(3) == (true, 2))
        #expect(crowd.enter(4) == (true, 1))
        crowd.set(3, to: .answer)
        crowd.set(4, to: .answer)
        #expect(crowd.enter(5) == (true, nil))
        #expect(crowd.isCrowded)
        crowd.set(5, to: .answer)
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
        crowd.set(0, to: .answer)
        #expect(crowd.count == 4)
        for id in 0..<4 { crowd.leave(id) }
        #expect(crowd.count == 0)
    }

    @Test func `attaches leave the reserve to others, however many are connected and idle`() {
        var crowd = ConnectionCrowd<Int>(limit: 8)
        for id in 0..<8 {
            _ = crowd.enter(id)
            crowd.set(id, to: .answer)
        }
        #expect(crowd.isCrowded)
        for id in 0..<8 { crowd.set(id, to: .nothing) }
        #expect(crowd.count == 8)
        #expect(!crowd.isCrowded)
        for id in 0..<6 {
            #expect(!crowd.isCrowded)
            crowd.set(id, to: .answer)
        }
        #expect(crowd.isCrowded)
        crowd.leave(0)
        #expect(!crowd.isCrowded)
    }

    @Test func `who reads his answer goes only where no place is left and nobody does nothing`() {
        var crowd = ConnectionCrowd<Int>(limit: 4)
        for id in 0..<3 {
            _ = crowd.enter(id)
            crowd.set(id, to: .answer)
            crowd.set(id, to: .reading)
        }
        #expect(!crowd.isCrowded)
        #expect(crowd.enter(3) == (true, nil))
        #expect(crowd.enter(4) == (true, 3))
        crowd.set(4, to: .answer)
        #expect(crowd.enter(5) == (true, 0))
        crowd.set(5, to: .answer)
        // One who has read all goes before those who still read, however long they do.
        crowd.set(2, to: .nothing)
        #expect(crowd.enter(6) == (true, 2))
        #expect(crowd.count == 4)
        crowd.set(6, to: .answer)
        crowd.set(1, to: .answer)
        #expect(crowd.enter(7) == (false, nil))
        #expect(crowd.count == 4)
        for id in 0..<8 { crowd.leave(id) }
        #expect(crowd.count == 0)
    }
}
