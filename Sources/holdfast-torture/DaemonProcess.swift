// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc

/// A `holdfastd` under test.
final class DaemonProcess: @unchecked Sendable {  // SAFETY: what changes is touched only while `condition` is held.
    /// How a process ended.
    enum End: Hashable, Sendable { case exited(Int32), killed(Int32) }

    let pid: pid_t
    let started = ContinuousClock.now
    private let condition = NSCondition()
    private var lines: [String] = []
    private var isListening = false
    private var end: End?
    private var isKilledByUs = false

    /// Starts it.
    ///
    /// - Parameter onStop: called on a thread of its own whenever the process has been stopped; it is continued afterwards.
    /// - Throws: why it could not be started.
    init(
        _ program: String, _ arguments: [String], environment: [String: String],
        onStop: (@Sendable () -> Void)? = nil
    ) throws {
        var ends: [Int32] = [0, 0]
        // No other thread starts programs, so that nobody inherits them in between.
        try require(pipe(&ends) == 0, "pipe")
        for descriptor in ends { try require(fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0, "fcntl") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        var words = ([program] + arguments).map { strdup($0) } + [nil]
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + variables { free(text) } }
        var pid: pid_t = 0
        let result = posix_spawn(&pid, program, &actions, nil, &words, &variables)
        close(ends[1])
        self.pid = pid
        guard result == 0 else {
            close(ends[0])
            throw Complaint("cannot start \(program): \(String(cString: strerror(result)))")
        }
        let log = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
        Thread { [self] in read(log) }.start()
        Thread { [self] in wait(onStop) }.start()
    }

    private func read(_ log: FileHandle) {
        var rest = ""
        while true {
            let data = log.availableData
            if data.isEmpty { break }
            rest += String(decoding: data, as: UTF8.self)
            var found = rest.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            rest = found.removeLast()
            condition.withLock {
                lines = (lines + found).suffix(400)
                if found.contains(where: { $0.contains(" listening") || $0.contains("listening ") }) {
                    isListening = true
                    condition.broadcast()
                }
            }
        }
    }

    private func wait(_ onStop: (@Sendable () -> Void)?) {
        while true {
            var status: Int32 = 0
            guard waitpid(pid, &status, WUNTRACED) == pid else { continue }
            if status & 0xff == 0x7f {
                guard let onStop else { continue }
                onStop()
                kill(pid, SIGCONT)
                continue
            }
            condition.withLock {
                end = status & 0x7f == 0 ? .exited((status >> 8) & 0xff) : .killed(status & 0x7f)
                condition.broadcast()
            }
            return
        }
    }

    /// Waits until it takes connections; false where it ends before.
    func waitUntilListening(within limit: TimeInterval) throws -> Bool {
        let deadline = Date(timeIntervalSinceNow: limit)
        return try condition.withLock {
            while !isListening, end == nil {
                if !condition.wait(until: deadline) { throw Complaint("the daemon does not listen after \(limit) s") }
            }
            return isListening
        }
    }

    /// Waits for its end; nil where there is none in time.
    func waitForEnd(within limit: TimeInterval) -> End? {
        let deadline = Date(timeIntervalSinceNow: limit)
        return condition.withLock {
            while end == nil, condition.wait(until: deadline) {}
            return end
        }
    }

    /// Whether `signal` has sent it SIGKILL while it was alive.
    var wasKilledByUs: Bool { condition.withLock { isKilledByUs } }

    /// Sends a signal unless it has ended.
    func signal(_ number: Int32) {
        condition.withLock {
            guard end == nil else { return }
            _ = kill(pid, number)
            if number == SIGKILL { isKilledByUs = true }
        }
    }

    /// The last lines of its log.
    func logTail(_ count: Int = 60) -> [String] { condition.withLock { Array(lines.suffix(count)) } }
}
