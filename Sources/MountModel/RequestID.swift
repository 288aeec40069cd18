// SPDX-License-Identifier: Apache-2.0

/// Names one request to one mountpoint's state machine, so that its answer finds its caller.
///
/// Whoever makes requests gives each a number of its own; the machine only compares them.
public struct RequestID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number.
    public let rawValue: UInt64

    /// Wraps a number.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public var description: String { "#\(rawValue)" }
}
