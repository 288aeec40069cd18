// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// `POST /v1/attachments`: what is to be attached, for whom.
public struct AttachRequest: Codable, Hashable, Sendable {
    /// What is mounted: an absolute path, or a name for types that need no device.
    public var source: String
    /// Who uses it.
    public var consumer: String
    /// What it uses on the mount; nil means `.`, the whole filesystem.
    public var volume: String?
    /// The filesystem's type; nil asks the daemon to find out from the source.
    public var type: String?
    /// Each `name` or `name=value`.
    public var options: [String]?
    /// What is in the files of options that are not among them, by the option's name; for this request alone.
    public var secrets: [String: Secret]?
    /// The mountpoint, absolute, beneath the mount root; nil lets the daemon choose.
    public var at: String?
    /// What ends the attachment: `explicit` (its detach or a reboot) or `persistent` (its detach only); nil means
    /// `explicit`, and takes nothing away from an attachment that is persistent already.
    public var lease: String?
    /// How long the caller waits, in seconds, 0.001 to 86,400; nil means 30.
    public var timeoutSeconds: Double?

    /// Puts the parts together.
    public init(
        source: String, consumer: String, volume: String? = nil, type: String? = nil, options: [String]? = nil,
        secrets: [String: Secret]? = nil, at: String? = nil, lease: String? = nil, timeoutSeconds: Double? = nil
    ) {
        self.source = source
        self.consumer = consumer
        self.volume = volume
        self.type = type
        self.options = options
        self.secrets = secrets
        self.at = at
        self.lease = lease
        self.timeoutSeconds = timeoutSeconds
    }

    /// The names on the wire.
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case source, consumer, volume, type, options, secrets, at, lease
        case timeoutSeconds = "timeout_seconds"
    }
}
