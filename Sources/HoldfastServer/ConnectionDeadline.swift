// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// The one deadline of a connection, whatever it is waiting for at the time.
///
/// Moving it costs no timer as long as it moves to later: the timer that fires too early is set again. Lives on its
/// event loop.
final class ConnectionDeadline {
    /// What the connection is waiting for.
    enum Phase: Sendable { case idle, receive, send, linger }

    private let eventLoop: any EventLoop
    private let expire: (Phase) -> Void
    private var current: (phase: Phase, time: NIODeadline)?
    private var timer: (task: Scheduled<Void>, time: NIODeadline)?

    init(eventLoop: any EventLoop, expire: @escaping (Phase) -> Void) {
        self.eventLoop = eventLoop
        self.expire = expire
    }

    /// Replaces the deadline.
    func set(_ phase: Phase, after timeout: Duration) {
        let time = eventLoop.now + TimeAmount(timeout)
        current = (phase, time)
        if let timer, timer.time <= time { return }
        schedule(at: time)
    }

    /// There is none: the connection waits for the mount manager, which has deadlines of its own.
    func clear() { current = nil }

    /// Ends the timer too.
    func cancel() {
        current = nil
        timer?.task.cancel()
        timer = nil
    }

    private func schedule(at time: NIODeadline) {
        timer?.task.cancel()
        let task = eventLoop.assumeIsolated().scheduleTask(deadline: time) { self.fire() }
        timer = (task, time)
    }

    private func fire() {
        timer = nil
        guard let current else { return }
        if current.time > eventLoop.now { return schedule(at: current.time) }
        self.current = nil
        expire(current.phase)
    }
}
