// SPDX-License-Identifier: Apache-2.0

import NIOConcurrencyHelpers
import NIOCore

/// The open connections: bounds their number, and ends them all at a shutdown.
final class ConnectionRegistry: Sendable {
    /// What is to be done with a connection that was accepted.
    enum Admission { case admitted, full, shuttingDown }

    fileprivate struct State {
        var accepted: [ObjectIdentifier: (channel: any Channel, admission: Admission)] = [:]
        var draining = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let limit: Int
    private let state = NIOLockedValueBox(State())

    init(limit: Int) { self.limit = limit }

    /// Counts a connection in, on the listener's event loop: when the listener is closed, all are known. It is counted
    /// out when its channel closes.
    func accept(_ channel: any Channel) {
        state.withLockedValue { state in
            let isFull = state.accepted.count >= limit
            state.accepted[ObjectIdentifier(channel)] = (
                channel, state.draining ? .shuttingDown : isFull ? .full : .admitted
            )
        }
        channel.closeFuture.whenComplete { _ in self.remove(channel) }
    }

    /// What was decided about a connection, or what follows from a shutdown since.
    func admission(of channel: any Channel) -> Admission {
        state.withLockedValue { state in
            state.draining ? .shuttingDown : state.accepted[ObjectIdentifier(channel)]?.admission ?? .shuttingDown
        }
    }

    private func remove(_ channel: any Channel) {
        let waiter = state.withLockedValue { state -> CheckedContinuation<Void, Never>? in
            state.accepted[ObjectIdentifier(channel)] = nil
            return state.takeWaiterIfDrained()
        }
        waiter?.resume()
    }

    /// Lets no connection in from now on, and asks each that is open to end after the requests it has.
    func drain() {
        let (channels, waiter) = state.withLockedValue { state in
            state.draining = true
            return (state.accepted.values.map(\.channel), state.takeWaiterIfDrained())
        }
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        waiter?.resume()
    }

    /// Closes every connection now.
    func closeAll() {
        let channels = state.withLockedValue { $0.accepted.values.map(\.channel) }
        for channel in channels { channel.close(promise: nil) }
    }

    /// Waits until `drain` has been called and the last connection has gone. For one waiter at a time.
    func waitUntilDrained() async {
        await withCheckedContinuation { continuation in
            let drained = state.withLockedValue { state -> CheckedContinuation<Void, Never>? in
                state.waiter = continuation
                return state.takeWaiterIfDrained()
            }
            drained?.resume()
        }
    }
}

extension ConnectionRegistry.State {
    fileprivate mutating func takeWaiterIfDrained() -> CheckedContinuation<Void, Never>? {
        guard draining, accepted.isEmpty else { return nil }
        defer { waiter = nil }
        return waiter
    }
}
