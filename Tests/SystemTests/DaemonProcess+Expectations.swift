// SPDX-License-Identifier: Apache-2.0

import Glibc
import MountTestSupport
import Testing

/// A daemon as the tests want it: started when it listens or has ended, and never waited for without end but by the
/// tests' time limit.
extension DaemonProcess {
    /// Starts the daemon that was built beside the tests, and waits until it listens, or ends.
    ///
    /// - Parameter onStop: called whenever it has stopped itself; it is continued afterwards.
    convenience init(
        arguments: [String], environment: [String: String], onStop: (@Sendable () -> Void)? = nil
    ) throws {
        try self.init(arguments, environment: environment, onStop: onStop)
        _ = try waitUntilListening()
    }

    /// What it has logged so far.
    var log: String { logTail(.max).joined(separator: "\n") }

    /// The status with which it has ended by itself.
    func exitStatus() throws -> Int32 {
        guard case .exited(let status)? = waitForEnd(within: .infinity) else { throw Failure("it was killed") }
        return status
    }

    /// SIGTERM; it must end by itself with status 0.
    func terminate() throws {
        signal(SIGTERM)
        try #require(waitForEnd(within: .infinity) == .exited(0))
    }

    /// SIGTERM; whether SIGKILL comes before it has ended.
    func isKilledWhileTerminating() -> Bool {
        signal(SIGTERM)
        return waitForEnd() == SIGKILL
    }

    /// SIGKILL.
    func kill() {
        signal(SIGKILL)
        _ = waitForEnd()
    }

    /// Waits until it has ended by itself, and says by which signal, 0 for none.
    func waitForEnd() -> Int32 {
        if case .killed(let signal)? = waitForEnd(within: .infinity) { signal } else { 0 }
    }
}
