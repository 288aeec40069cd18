// SPDX-License-Identifier: Apache-2.0

import NIOConcurrencyHelpers

/// Joins a response (`x-request-id`) with the daemon's log lines about it.
struct RequestID: CustomStringConvertible, Sendable {
    let description: String

    /// Gives out ids that differ within a daemon's life and, by a random start, between daemons.
    final class Source: Sendable {
        private let prefix = String(UInt32.random(in: .min ... .max), radix: 16)
        private let counter = NIOLockedValueBox<UInt64>(0)

        /// The next id.
        func next() -> RequestID {
            let number = counter.withLockedValue { value in
                value += 1
                return value
            }
            return RequestID(description: "\(prefix)-\(number)")
        }
    }
}
