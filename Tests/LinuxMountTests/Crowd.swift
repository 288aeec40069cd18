// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Threads that start together and can wait for each other.
final class Crowd: Sendable {
    private let condition = NSCondition()
    private let count: Int
    // SAFETY: read and written only while `condition` is locked.
    private nonisolated(unsafe) var arrived = 0

    init(count: Int) { self.count = count }

    /// Blocks until as many calls have come as there are threads.
    func waitForAll() {
        condition.lock()
        defer { condition.unlock() }
        arrived += 1
        let round = (arrived + count - 1) / count
        if arrived == round * count { condition.broadcast() }
        while arrived < round * count { condition.wait() }
    }

    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> [Value] {
        try await runIndexed { _ in try body() }
    }

    func runIndexed<Value: Sendable>(_ body: @escaping @Sendable (Int) throws -> Value) async throws -> [Value] {
        try await withThrowingTaskGroup(of: Value.self) { group in
            for index in 0..<count {
                group.addTask {
                    try await HostFixture.onOwnThread {
                        self.waitForAll()
                        return try body(index)
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }
}
