// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import MountTestSupport
import Testing

/// A daemon as the tests want it: started when it listens or has ended, and never waited for without end.
extension DaemonProcess {
    /// How long its end is waited for, in seconds; a daemon gives itself 20.
    private static let patience: TimeInterval = 60

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
        let end = end(after: "its start")
        guard case .exited(let status)? = end else {
            throw Failure("it has not ended by itself: \(end, default: "it runs")")
        }
        return status
    }

    /// SIGTERM; it must end by itself with status 0.
    func terminate() throws {
        signal(SIGTERM)
        try #require(end(after: "SIGTERM") == .exited(0))
    }

    /// SIGTERM; whether SIGKILL comes before it has ended.
    func isKilledWhileTerminating() -> Bool {
        signal(SIGTERM)
        return end(after: "SIGTERM") == .killed(SIGKILL)
    }

    /// SIGKILL.
    func kill() {
        signal(SIGKILL)
        _ = end(after: "SIGKILL")
    }

    /// Waits until it has ended by itself, and says by which signal, 0 for none; nil where it has not.
    func waitForEnd() -> Int32? {
        switch end(after: "what should end it") {
        case .killed(let signal)?: signal
        case .exited?: 0
        case .unknown?, nil: nil
        }
    }

    /// How it ended; that it has not, in time, is an issue of the test.
    private func end(after cause: String) -> End? {
        let end = waitForEnd(within: Self.patience)
        if end == nil { Issue.record("the daemon \(pid) still runs \(Self.patience) s after \(cause)") }
        return end
    }
}
