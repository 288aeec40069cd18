// SPDX-License-Identifier: Apache-2.0

/// `DELETE /v1/attachments?source=…&consumer=…`: the attachment to end, named as it was made.
public struct DetachSelector: Hashable, Sendable {
    /// What is mounted, as it was given to the attach.
    public var source: String
    /// Who uses it.
    public var consumer: String
    /// What it uses on the mount; nil means `.`.
    public var volume: String?
    /// The filesystem's type; nil matches any.
    public var type: String?
    /// The mountpoint; nil matches any.
    public var at: String?

    /// Puts the parts together.
    public init(source: String, consumer: String, volume: String? = nil, type: String? = nil, at: String? = nil) {
        self.source = source
        self.consumer = consumer
        self.volume = volume
        self.type = type
        self.at = at
    }
}
