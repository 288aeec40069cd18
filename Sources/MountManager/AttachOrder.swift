// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// What an attach is asked for.
public struct AttachOrder: Hashable, Sendable {
    /// What is mounted.
    public var source: MountSource
    /// What is in the files of its options that are `inline`; kept until the order is answered, and nowhere but in
    /// memory.
    public var secrets: [String: Secret]
    /// Where; nil means the folder that the source's digest names.
    public var mountpoint: Mountpoint?
    /// Who uses what.
    public var key: AttachmentKey
    /// The caller's uid.
    public var owner: UInt32
    /// What ends the attachment. `.explicit` takes nothing away from one that is persistent already.
    public var lease: Lease
    /// How long the caller waits, from now on; `ManagerLimits.requestTime` at most.
    public var timeout: Duration

    /// Puts the parts together.
    public init(
        source: MountSource, secrets: [String: Secret] = [:], mountpoint: Mountpoint? = nil, key: AttachmentKey,
        owner: UInt32,
        lease: Lease = .explicit, timeout: Duration = .seconds(30)
    ) {
        self.source = source
        self.secrets = secrets
        self.mountpoint = mountpoint
        self.key = key
        self.owner = owner
        self.lease = lease
        self.timeout = timeout
    }
}

/// What an attach brought.
public struct AttachResult: Hashable, Sendable {
    /// The mount, as it is now.
    public var mount: MountStatus
    /// The attachment, with the lease that it has.
    public var attachment: Attachment
    /// Whether this request made it; false where it was there already.
    public var created: Bool
}

/// What a detach brought.
public struct DetachResult: Hashable, Sendable {
    /// Whether there was such an attachment.
    public var detached: Bool
    /// The mountpoint's phase after it, at rest or at the deadline.
    public var phase: MountpointState.Phase
    /// Why the mount is still there, if the unmount failed.
    public var problem: MountError?
}
