// SPDX-License-Identifier: Apache-2.0

/// What makes an attachment one on its mountpoint: who uses what. Attaching a key twice is attaching it once.
public struct AttachmentKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// What is used.
    public let volume: Volume
    /// Who uses it.
    public let consumer: Consumer

    /// Joins the two halves.
    public init(volume: Volume, consumer: Consumer) {
        self.volume = volume
        self.consumer = consumer
    }

    public static func < (left: AttachmentKey, right: AttachmentKey) -> Bool {
        (left.consumer, left.volume) < (right.consumer, right.volume)
    }

    public var description: String { "\(consumer) on \(volume)" }
}
