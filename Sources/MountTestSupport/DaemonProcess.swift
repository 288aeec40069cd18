// SPDX-License-Identifier: Apache-2.0

public import Foundation
internal import Glibc

// SAFETY: what changes is touched only while `condition` is held.
/// A `holdfastd` under test, as a process of its own.
public final class DaemonProcess: @unchecked Sendable {
    /// How a process ended.
    public enum End: Hashable, Sendable {
        /// By itself, with this status.
        case exited(Int32)
        /// By this signal.
        case killed(Int32)
        /// Nobody can tell how: `waitid` answered this error.
        case unknown(Int32)
    }

    /// A daemon that could not be started, or does not listen.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String

        /// Wraps the reason.
        public init(_ description: String) { self.description = description }
    }

    /// The daemon that was built beside the program that runs.
    public static var programBeside: String { Program.beside("holdfastd") }

    /// Its process.
    public let pid: pid_t
    /// When it was started.
    public let started = ContinuousClock.now
    private let condition = NSCondition()
    private let lineLimit: Int
    private var lines: [String] = []
    private var isListening = false
    private var isLogComplete = false
    private var end: End?
    private var isKilledByUs = false

    /// Starts it; its environment is this one only, but for a sanitizer's options.
    ///
    /// - Parameters:
    ///   - lineLimit: how much of its log is kept.
    ///   - onStop: called on a thread of its own whenever the process has been stopped; it is continued afterwards.
    /// - Throws: why it could not be started.
    public init(
        program: String = programBeside, _ arguments: [String], environment: [String: String] = [:],
        lineLimit: Int = .max, onStop: (@Sendable () -> Void)? = nil
    ) throws {
        let log = Pipe()
        let output = log.fileHandleForWriting
        // Other daemons must not inherit it.
        for end in [log.fileHandleForReading, output] { _ = fcntl(end.fileDescriptor, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output.fileDescriptor, 1)
        posix_spawn_file_actions_adddup2(&actions, output.fileDescriptor, 2)
        var words = ([program] + arguments).map { strdup($0) } + [nil]
        let environment = environment.merging(SanitizerOptions.environment) { given, _ in given }
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + variables { free(text) } }
        var pid: pid_t = 0
        let result = posix_spawn(&pid, program, &actions, nil, &words, &variables)
        self.pid = pid
        self.lineLimit = lineLimit
        guard result == 0 else {
            try output.close()
            throw Failure("cannot start \(program): \(String(cString: strerror(result)))")
        }
        Thread { [self, log] in read(log.fileHandleForReading) }.start()
        Thread { [self] in
            wait(onStop)
            // Its workers may live on, with its log in their hands: what it has said itself comes before this.
            output.write(Data(Self.endOfLog.utf8))
            try? output.close()
        }.start()
    }

    private static let endOfLog = "\u{4}\n"

    private func read(_ log: FileHandle) {
        let newline = UInt8(ascii: "\n")
        // Bytes, for a read may end within a character.
        var rest: [UInt8] = []
        while true {
            let data = log.availableData
            if data.isEmpty { break }
            rest += data
            guard let last = rest.lastIndex(of: newline) else { continue }
            keep(rest[..<last].split(separator: newline, omittingEmptySubsequences: false))
            rest.removeFirst(last + 1)
        }
        if !rest.isEmpty { keep([rest[...]]) }
        condition.withLock {
            isLogComplete = true
            condition.broadcast()
        }
    }

    private func keep(_ found: [ArraySlice<UInt8>]) {
        var found = found.map { String(decoding: $0, as: UTF8.self) }
        condition.withLock {
            if let last = found.firstIndex(where: { $0.hasSuffix(Self.endOfLog.dropLast()) }) {
                found[last].removeLast()
                if found[last].isEmpty { found.remove(at: last) }
                isLogComplete = true
            }
            lines.append(contentsOf: found)
            if lines.count > lineLimit { lines.removeFirst(lines.count - lineLimit) }
            if found.contains(where: { $0.contains("listening") }) { isListening = true }
            condition.broadcast()
        }
    }

    private func wait(_ onStop: (@Sendable () -> Void)?) {
        while true {
            var info = siginfo_t()
            // Its number stays its own until it is reaped.
            let states = WEXITED | (onStop == nil ? 0 : WSTOPPED)
            guard waitid(P_PID, id_t(pid), &info, states | WNOWAIT) == 0 else {
                let error = errno
                if error == EINTR { continue }
                return ended(.unknown(error))
            }
            let status = info._sifields._sigchld.si_status
            switch Int(info.si_code) {
            case Int(CLD_STOPPED):
                // Each stop is reported once; it may have gone on, or have been killed, by now.
                _ = waitid(P_PID, id_t(pid), &info, WSTOPPED | WNOHANG)
                onStop?()
                kill(pid, SIGCONT)
            case Int(CLD_EXITED): return ended(.exited(status))
            default: return ended(.killed(status))
            }
        }
    }

    /// Notes how it ended, and reaps it: from then on its number may be another's.
    private func ended(_ how: End) {
        condition.withLock {
            end = how
            if case .unknown = how {} else { waitpid(pid, nil, 0) }
            condition.broadcast()
        }
    }

    /// Waits until it takes connections; false where it ends before.
    ///
    /// - Throws: where it does neither in time.
    public func waitUntilListening(within limit: TimeInterval = 60) throws -> Bool {
        let deadline = Date(timeIntervalSinceNow: limit)
        return try condition.withLock {
            while !isListening, !hasEnded {
                if !condition.wait(until: deadline) {
                    throw Failure("the daemon does not listen after \(limit) s")
                }
            }
            return isListening
        }
    }

    /// Waits for its end, and all of its log; nil where there is none in time.
    public func waitForEnd(within limit: TimeInterval) -> End? {
        let deadline = Date(timeIntervalSinceNow: limit)
        return condition.withLock {
            while !hasEnded, condition.wait(until: deadline) {}
            return hasEnded ? end : nil
        }
    }

    private var hasEnded: Bool { end != nil && isLogComplete }

    /// Whether it has not ended.
    public var isRunning: Bool { condition.withLock { end == nil } }

    /// Whether `signal` has sent it SIGKILL while it was alive.
    public var wasKilledByUs: Bool { condition.withLock { isKilledByUs } }

    /// Sends a signal unless it has ended.
    public func signal(_ number: Int32) {
        condition.withLock {
            guard end == nil else { return }
            _ = Glibc.kill(pid, number)
            if number == SIGKILL { isKilledByUs = true }
        }
    }

    /// The last lines of its log.
    public func logTail(_ count: Int = 60) -> [String] { condition.withLock { lines.suffix(count) } }

    /// The log's lines with this text, once there are so many, or it has ended.
    ///
    /// - Throws: where neither is so in time.
    public func logLines(with text: String, count: Int, within limit: TimeInterval = 60) throws -> [String] {
        let deadline = Date(timeIntervalSinceNow: limit)
        return try condition.withLock {
            while true {
                let found = lines.filter { $0.contains(text) }
                if found.count >= count || hasEnded { return found }
                if !condition.wait(until: deadline) {
                    throw Failure("\(found.count) of \(count) lines with '\(text)' are in the log after \(limit) s")
                }
            }
        }
    }
}
