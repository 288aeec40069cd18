// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import MountTestSupport
import Testing

/// What the tests know of a daemon, with a shell in its place.
@Suite(.timeLimit(.minutes(2))) struct DaemonProcessTests {
    private func shell(_ script: String, onStop: (@Sendable () -> Void)? = nil) throws -> DaemonProcess {
        try DaemonProcess(program: "/bin/sh", ["-c", script], lineLimit: 3, onStop: onStop)
    }

    @Test(arguments: [
        ("exit 3", DaemonProcess.End.exited(3)), ("kill -KILL $$", .killed(SIGKILL)),
        // Whoever stops is continued, as often as it does.
        ("kill -STOP $$; kill -STOP $$; exit 4", .exited(4)),
    ])
    func howItEnded(_ script: String, _ end: DaemonProcess.End) throws {
        let child = Child()
        let process = try shell(script, onStop: { child.stops += 1 })
        #expect(process.waitForEnd(within: 30) == end)
        #expect(!process.isRunning)
        #expect(child.stops == script.components(separatedBy: "STOP").count - 1)
        // Its number may be another's.
        process.signal(SIGKILL)
        #expect(!process.wasKilledByUs)
        #expect(waitpid(process.pid, nil, WNOHANG) == -1 && errno == ECHILD, "it was reaped")
    }

    @Test func anEndOfWhichNobodyCanTellIsOne() throws {
        let child = Child()
        let process = try shell(
            "kill -STOP $$",
            onStop: {
                // Somebody else takes its status.
                kill(child.pid, SIGKILL)
                waitpid(child.pid, nil, 0)
            })
        child.pid = process.pid
        #expect(process.waitForEnd(within: 30) == .unknown(ECHILD))
        #expect(!process.isRunning)
    }

    @Test func aCharacterThatComesInTwoReadsIsOne() throws {
        let child = Child()
        let process = try shell(
            #"printf 'one\n\ntwo \303'; kill -STOP $$; printf '\251 three\nfour'"#,
            onStop: { child.waitUntilOutputIsRead() })
        child.pid = process.pid
        #expect(process.waitForEnd(within: 30) == .exited(0))
        // The last three lines: no more are kept.
        #expect(process.logTail() == ["", "two é three", "four"])
    }

    @Test func whatIsNotLoggedIsNotWaitedForWithoutEnd() throws {
        let process = try shell("echo begun; kill -STOP $$")
        #expect(try process.logLines(with: "begun", count: 1) == ["begun"])
        let failure = #expect(throws: DaemonProcess.Failure.self) {
            try process.logLines(with: "begun", count: 2, within: 0.1)
        }
        #expect(failure?.description.contains("1 of 2 lines with 'begun'") == true)
        #expect(throws: DaemonProcess.Failure.self) { try process.waitUntilListening(within: 0.1) }
        process.signal(SIGKILL)
        #expect(process.waitForEnd(within: 30) == .killed(SIGKILL))
        #expect(process.wasKilledByUs)
    }
}

// SAFETY: what changes is touched only while `condition` is held.
/// What a callback knows of the process, which has no number before it is started.
private final class Child: @unchecked Sendable {
    private let condition = NSCondition()
    private var number: pid_t?
    private var stopCount = 0

    /// How often it has stopped.
    var stops: Int {
        get { condition.withLock { stopCount } }
        set { condition.withLock { stopCount = newValue } }
    }

    /// Its number; waits until it is known.
    var pid: pid_t {
        get {
            condition.withLock {
                while true {
                    if let number { return number }
                    condition.wait()
                }
            }
        }
        set {
            condition.withLock {
                number = newValue
                condition.broadcast()
            }
        }
    }

    /// Waits until nothing of what it has written is left in its pipe.
    func waitUntilOutputIsRead() {
        let pipe = open("/proc/\(pid)/fd/1", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        #expect(pipe >= 0)
        defer { close(pipe) }
        let deadline = ContinuousClock.now + .seconds(30)
        var state = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
        while poll(&state, 1, 0) == 1 {
            guard ContinuousClock.now < deadline else {
                Issue.record("the pipe is not read")
                return
            }
        }
    }
}
