// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import HoldfastServer

@Suite struct LogBoundTests {
    @Test func `a line stands for all that came since the last one`() {
        var bound = LogBound(pause: .seconds(60))
        #expect(bound.add(at: .uptimeNanoseconds(0)) == 1)
        #expect(bound.add(at: .uptimeNanoseconds(0) + .seconds(1)) == nil)
        #expect(bound.add(at: .uptimeNanoseconds(0) + .seconds(59)) == nil)
        #expect(bound.add(at: .uptimeNanoseconds(0) + .seconds(60)) == 3)
    }
}
