// SPDX-License-Identifier: Apache-2.0

/// The answer to an attach, and to `GET /v1/attachments/{id}` (where `created` is false).
public struct AttachResponse: Codable, Hashable, Sendable {
    /// The attachment.
    public var attachment: AttachmentSummary
    /// The mount it is on.
    public var mount: MountSummary
    /// The path to use; the same as the attachment's.
    public var path: String
    /// Whether this request made the attachment; false where it was there already.
    public var created: Bool

    /// Puts the parts together.
    public init(attachment: AttachmentSummary, mount: MountSummary, created: Bool) {
        self.attachment = attachment
        self.mount = mount
        self.path = attachment.path
        self.created = created
    }
}

/// The answer to a detach.
public struct DetachResponse: Codable, Hashable, Sendable {
    /// Whether there was such an attachment; false changed nothing.
    public var detached: Bool
    /// The mount's state after it: `absent` when it has been unmounted, `mounted` while others use it, `lingering`…
    public var mountState: String
    /// Why the mount is still there, if the unmount failed.
    public var problem: Problem?

    /// Puts the parts together.
    public init(detached: Bool, mountState: String, problem: Problem? = nil) {
        self.detached = detached
        self.mountState = mountState
        self.problem = problem
    }

    /// The names on the wire.
    public enum CodingKeys: String, CodingKey {
        case detached
        case mountState = "mount_state"
        case problem
    }
}

/// One mount with its attachments: an element of `GET /v1/mounts`, and `GET /v1/mounts/{id}`.
public struct MountDetail: Codable, Hashable, Sendable {
    /// The mount.
    public var mount: MountSummary
    /// Its attachments, sorted by consumer and volume.
    public var attachments: [AttachmentSummary]

    /// Puts the parts together.
    public init(mount: MountSummary, attachments: [AttachmentSummary]) {
        self.mount = mount
        self.attachments = attachments
    }

    /// On the wire the mount's own members and `attachments` stand side by side.
    public init(from decoder: any Decoder) throws {
        mount = try MountSummary(from: decoder)
        attachments = try decoder.container(keyedBy: CodingKeys.self).decode(
            [AttachmentSummary].self, forKey: .attachments)
    }

    public func encode(to encoder: any Encoder) throws {
        try mount.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(attachments, forKey: .attachments)
    }

    private enum CodingKeys: String, CodingKey { case attachments }
}

/// `GET /v1/mounts`.
public struct MountList: Codable, Hashable, Sendable {
    /// All mounts, sorted by mountpoint.
    public var mounts: [MountDetail]

    /// Wraps the list.
    public init(mounts: [MountDetail]) { self.mounts = mounts }
}

/// `GET /v1/attachments`.
public struct AttachmentList: Codable, Hashable, Sendable {
    /// All attachments, sorted by mountpoint, consumer and volume.
    public var attachments: [AttachmentSummary]

    /// Wraps the list.
    public init(attachments: [AttachmentSummary]) { self.attachments = attachments }
}

/// `POST /v1/verify`: what the kernel says about each mount, asked now.
public struct VerifyResponse: Codable, Hashable, Sendable {
    /// Whether every mount is `ok`.
    public var ok: Bool
    /// One entry a mount, sorted by mountpoint.
    public var mounts: [Entry]

    /// Wraps the list.
    public init(mounts: [Entry]) {
        self.mounts = mounts
        ok = mounts.allSatisfy { $0.result == "ok" }
    }

    /// What was expected at one mountpoint and what is there.
    public struct Entry: Codable, Hashable, Sendable {
        /// The mount's id in the API.
        public var id: String
        /// Where it should be.
        public var mountpoint: String
        /// `ok`, `missing`, `replaced`, `foreign`, `drifted`, `unresponsive` or `unrecorded`.
        public var result: String
        /// What was expected, for a person.
        public var expected: String
        /// What is there, for a person.
        public var found: String

        /// Puts the parts together.
        public init(id: String, mountpoint: String, result: String, expected: String, found: String) {
            self.id = id
            self.mountpoint = mountpoint
            self.result = result
            self.expected = expected
            self.found = found
        }
    }
}

/// `GET /v1/status`: the daemon about itself.
public struct StatusResponse: Codable, Hashable, Sendable {
    /// The daemon's version.
    public var version: String
    /// Its process id.
    public var pid: Int32
    /// How long it has been running, in seconds.
    public var uptimeSeconds: Double
    /// The kernel's id of this boot.
    public var bootID: String
    /// Where it mounts.
    public var mountRoot: String
    /// How many mountpoints there are in each state, by the state's name.
    public var mounts: [String: Int]
    /// How many attachments there are.
    public var attachments: Int
    /// How near the daemon is to its limits, by the limit's name.
    public var limits: [String: LimitUse]
    /// Which of the kernel's newer interfaces are in use, by name.
    public var kernelFeatures: [String: Bool]
    /// How many worker processes there are (`running`), how many of those cannot be killed (`stuck`), and how many were
    /// killed since the start (`killed`); nil where there are none.
    public var workers: [String: Int]?
    /// What the ledger has done since it was opened: `commits`, the `changes` in them, `full_syncs`, and the changes
    /// that were `refused`; nil where there is none.
    public var ledger: [String: Int]?
    /// Why nothing is attached or detached; nil where that is not so.
    public var readOnly: Problem?

    /// Puts the parts together.
    public init(
        version: String, pid: Int32, uptimeSeconds: Double, bootID: String, mountRoot: String, mounts: [String: Int],
        attachments: Int, limits: [String: LimitUse], kernelFeatures: [String: Bool], workers: [String: Int]? = nil,
        ledger: [String: Int]? = nil, readOnly: Problem? = nil
    ) {
        self.version = version
        self.pid = pid
        self.uptimeSeconds = uptimeSeconds
        self.bootID = bootID
        self.mountRoot = mountRoot
        self.mounts = mounts
        self.attachments = attachments
        self.limits = limits
        self.kernelFeatures = kernelFeatures
        self.workers = workers
        self.ledger = ledger
        self.readOnly = readOnly
    }

    /// The names on the wire.
    public enum CodingKeys: String, CodingKey {
        case version, pid
        case uptimeSeconds = "uptime_seconds"
        case bootID = "boot_id"
        case mountRoot = "mount_root"
        case mounts, attachments, limits, workers, ledger
        case kernelFeatures = "kernel_features"
        case readOnly = "read_only"
    }
}

/// A limit of the daemon's, and how much of it is used.
public struct LimitUse: Codable, Hashable, Sendable {
    /// How much there is now.
    public var used: Int
    /// How much there may be.
    public var limit: Int

    /// Puts the two together.
    public init(used: Int, limit: Int) {
        self.used = used
        self.limit = limit
    }
}
