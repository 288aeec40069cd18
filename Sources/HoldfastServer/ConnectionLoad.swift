// SPDX-License-Identifier: Apache-2.0

public import HoldfastAPI
import NIOConcurrencyHelpers

/// How many connections a server has, for who shows it.
public final class ConnectionLoad: Sendable {
    private let value: NIOLockedValueBox<LimitUse>

    /// None of so many.
    public init(limit: Int = ServerLimits().connections) { value = NIOLockedValueBox(LimitUse(used: 0, limit: limit)) }

    /// How many there are, of how many.
    public var use: LimitUse { value.withLockedValue { $0 } }

    func set(_ count: Int) { value.withLockedValue { $0.used = count } }
}
