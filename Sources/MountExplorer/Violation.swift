// SPDX-License-Identifier: Apache-2.0

/// What an exploration found to be wrong.
public struct Violation: Error, Sendable, CustomStringConvertible {
    /// The check's number in the list of checks, or `liveness`.
    public let check: String
    /// What was found.
    public let message: String
    /// The shortest course of events that leads there, a line each.
    public internal(set) var trace: [String] = []
    /// How many steps that takes.
    public internal(set) var steps = 0

    /// The states it is about, where the trace is still to be made.
    let states: [UInt32]

    init(_ check: String, _ message: String, along states: [UInt32] = []) {
        self.check = check
        self.message = message
        self.states = states
    }

    public var description: String {
        (["check \(check): \(message)"] + trace.map { "    \($0)" }).joined(separator: "\n")
    }
}
