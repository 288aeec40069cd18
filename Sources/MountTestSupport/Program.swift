// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// The host's programs, as tests use them to make images and to look at what was mounted.
public enum Program {
    /// A program that did not succeed, and what it wrote.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    /// The path of a program that was built beside the one that runs.
    public static func beside(_ name: String) -> String {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return (own as NSString).deletingLastPathComponent + "/" + name
    }

    /// Runs a program to its end and requires that it succeeds; blocks as long as it takes.
    ///
    /// - Returns: what it wrote, errors too.
    /// - Throws: `Failure`, or why it could not be started.
    @discardableResult
    public static func run(_ command: String...) throws -> String { try run(command) }

    /// The same, with its name and arguments in one array.
    @discardableResult
    public static func run(_ command: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(description: "\(command): \(text)") }
        return text
    }
}
