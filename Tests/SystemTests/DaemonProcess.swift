// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

/// A `holdfastd` that was built beside the tests, as a process of its own.
final class DaemonProcess {
    private let process = Process()
    private let text = LogText()

    /// Starts it and waits until it listens, or ends.
    init(arguments: [String], environment: [String: String]) throws {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        process.executableURL = URL(fileURLWithPath: tests).deletingLastPathComponent()
            .appendingPathComponent("holdfastd")
        process.arguments = arguments
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        try waitUntilListening(output.fileHandleForReading)
    }

    /// What it has logged so far, at least up to the moment when it listened.
    var log: String { text.value }

    var pid: pid_t { process.processIdentifier }
    var isRunning: Bool { process.isRunning }

    /// Reads its log until it says that it listens; a daemon that ends first has closed the pipe.
    private func waitUntilListening(_ handle: FileHandle) throws {
        while !text.value.contains("listening") {
            let data = handle.availableData
            if data.isEmpty { break }
            text.append(data)
        }
        // From here on it is read as it comes, so that the pipe never fills.
        handle.readabilityHandler = { [text] in
            let data = $0.availableData
            if data.isEmpty { $0.readabilityHandler = nil } else { text.append(data) }
        }
    }

    /// The log's lines with this text, once there are so many; the test's time limit ends this if there never are.
    func logLines(with text: String, count: Int) -> [String] {
        while true {
            let lines = log.split(separator: "\n").filter { $0.contains(text) }.map(String.init)
            if lines.count >= count { return lines }
            usleep(5_000)
        }
    }

    /// Sends it a signal.
    func signal(_ signal: Int32) { Glibc.kill(process.processIdentifier, signal) }

    /// The status with which it has ended by itself.
    func exitStatus() throws -> Int32 {
        process.waitUntilExit()
        try #require(process.terminationReason == .exit)
        return process.terminationStatus
    }

    /// SIGTERM; it must end by itself with status 0.
    func terminate() throws {
        process.terminate()
        process.waitUntilExit()
        try #require(process.terminationReason == .exit && process.terminationStatus == 0)
    }

    /// SIGTERM; whether SIGKILL comes before it has ended.
    func isKilledWhileTerminating() -> Bool {
        process.terminate()
        return waitForEnd() == SIGKILL
    }

    /// SIGKILL.
    func kill() {
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Waits until it has ended by itself, and says by which signal, 0 for none.
    func waitForEnd() -> Int32 {
        process.waitUntilExit()
        return process.terminationReason == .uncaughtSignal ? process.terminationStatus : 0
    }
}

/// A text that grows on one thread and is read on another.
private final class LogText: Sendable {
    private let lock = NSLock()
    nonisolated(unsafe) private var text = ""  // SAFETY: only under the lock.

    var value: String { lock.withLock { text } }

    func append(_ data: Data) { lock.withLock { text += String(decoding: data, as: UTF8.self) } }
}
