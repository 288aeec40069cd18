// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Foundation

/// Threads that begin together, each of which may block.
enum Crew {
    /// Runs the body once for each number, on a thread of its own; returns when all have ended.
    static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        let group = DispatchGroup()
        for number in 0..<count {
            group.enter()
            Thread {
                body(number)
                group.leave()
            }.start()
        }
        group.wait()
    }
}
