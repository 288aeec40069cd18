// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI
import Logging
import NIOConcurrencyHelpers
import NIOCore

/// The open connections: bounds their number, and ends them all at a shutdown.
final class ConnectionRegistry: Sendable {
    /// What is to be done with a connection that was accepted.
    enum Admission { case admitted, full, shuttingDown }

    fileprivate struct State {
        var accepted: [ObjectIdentifier: (channel: any Channel, admission: Admission)] = [:]
        var crowd: ConnectionCrowd<ObjectIdentifier>
        var departures = LogBound()
        var draining = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state: NIOLockedValueBox<State>
    private let load: ConnectionLoad
    private let logger: Logger

    init(limit: Int, load: ConnectionLoad, logger: Logger) {
        state = NIOLockedValueBox(State(crowd: ConnectionCrowd(limit: limit)))
        self.load = load
        self.logger = logger
    }

    /// Counts a connection in, on the listener's event loop: when the listener is closed, all are known. It is counted
    /// out when its channel closes. Where it gets crowded, one that needs its place least is told to end.
    func accept(_ channel: any Channel) {
        let (leaving, toTell) = state.withLockedValue { state -> ((any Channel)?, Int?) in
            let id = ObjectIdentifier(channel)
            let (isAdmitted, leaving) = state.crowd.enter(id)
            state.accepted[id] = (channel, state.draining ? .shuttingDown : isAdmitted ? .admitted : .full)
            load.set(state.crowd.count)
            guard let leaving else { return (nil, nil) }
            return (state.accepted[leaving]?.channel, state.departures.add(at: .now()))
        }
        if let toTell {
            logger.warning(
                "nearly all connections are in use: those that wait for no answer are closed",
                metadata: ["closed": "\(toTell)", "limit": "\(load.use.limit)"])
        }
        leaving?.pipeline.fireUserInboundEventTriggered(ConnectionGate.MakeRoom())
        channel.closeFuture.whenComplete { _ in self.remove(channel) }
    }

    /// What was decided about a connection, or what follows from a shutdown since.
    func admission(of channel: any Channel) -> Admission {
        state.withLockedValue { state in
            let id = ObjectIdentifier(channel)
            guard !state.draining, let admission = state.accepted[id]?.admission else { return .shuttingDown }
            // It has been told to make room before there was anybody to hear it.
            return admission == .admitted && state.crowd.isLeaving(id) ? .shuttingDown : admission
        }
    }

    /// What a connection needs its place for from now on.
    func set(_ channel: any Channel, to need: ConnectionNeed) {
        state.withLockedValue { state in
            state.crowd.set(ObjectIdentifier(channel), to: need)
            load.set(state.crowd.count)
        }
    }

    /// Whether a connection has to make room still: not where it has asked for something meanwhile.
    func isLeaving(_ channel: any Channel) -> Bool {
        state.withLockedValue { $0.crowd.isLeaving(ObjectIdentifier(channel)) }
    }

    /// Whether so many connections wait for answers that only what is answered at once may be asked.
    var isCrowded: Bool { state.withLockedValue { $0.crowd.isCrowded } }

    private func remove(_ channel: any Channel) {
        let waiter = state.withLockedValue { state -> CheckedContinuation<Void, Never>? in
            state.accepted[ObjectIdentifier(channel)] = nil
            state.crowd.leave(ObjectIdentifier(channel))
            load.set(state.crowd.count)
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
