// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A thread of a test's own: what it does blocks, so it does not belong on Swift's pool.
final class Background {
    private final class Work: Sendable {
        let body: @Sendable () throws -> Void
        // Written by the thread before it ends, read after it was joined.
        nonisolated(unsafe) var failure: (any Error)?  // SAFETY: pthread_join orders the two.

        init(_ body: @escaping @Sendable () throws -> Void) { self.body = body }
    }

    private let work: Work
    private var thread = pthread_t()

    init(_ body: @escaping @Sendable () throws -> Void) {
        work = Work(body)
        // SAFETY: the thread takes over one retain of `work` and releases it when it runs.
        let argument = Unmanaged.passRetained(work).toOpaque()
        pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let work = Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
                do { try work.body() } catch { work.failure = error }
                return nil
            }, argument)
    }

    /// Waits until it has ended and throws what it threw.
    func wait() throws {
        pthread_join(thread, nil)
        if let failure = work.failure { throw failure }
    }
}
