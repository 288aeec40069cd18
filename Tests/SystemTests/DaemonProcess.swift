// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

/// A `holdfastd` that was built beside the tests, as a process of its own.
final class DaemonProcess {
    private let process = Process()
    private var text = ""

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

    /// What it has logged up to the moment when it listened.
    var log: String { text }

    var pid: pid_t { process.processIdentifier }
    var isRunning: Bool { process.isRunning }

    /// Reads its log until it says that it listens; a daemon that ends first has closed the pipe.
    private func waitUntilListening(_ handle: FileHandle) throws {
        while !text.contains("listening") {
            let data = handle.availableData
            if data.isEmpty { break }
            text += String(decoding: data, as: UTF8.self)
        }
        // From here on the log is only drained, so that the pipe never fills.
        handle.readabilityHandler = { if $0.availableData.isEmpty { $0.readabilityHandler = nil } }
    }

    /// SIGTERM; it must end by itself with status 0.
    func terminate() throws {
        process.terminate()
        process.waitUntilExit()
        try #require(process.terminationReason == .exit && process.terminationStatus == 0)
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
