// SPDX-License-Identifier: Apache-2.0

/// One mount as the API shows it.
public struct MountSummary: Codable, Hashable, Sendable {
    /// Names the mountpoint in the API; the same for as long as the mountpoint's path is.
    public var id: String
    /// Where it is mounted.
    public var mountpoint: String
    /// The filesystem's type.
    public var type: String
    /// The canonical source.
    public var source: String
    /// The canonical options, each `name` or `name=value`.
    public var options: [String]
    /// The state's name (docs/state-machine.md): `mounted`, `lingering`, `lost`…
    public var state: String
    /// The kernel's id of the mount; nil where none is recorded.
    public var kernelMountID: UInt64?
    /// Why it is not `mounted`, if it is not and a reason is known.
    public var problem: Problem?

    /// Puts the parts together.
    public init(
        id: String, mountpoint: String, type: String, source: String, options: [String], state: String,
        kernelMountID: UInt64?, problem: Problem? = nil
    ) {
        self.id = id
        self.mountpoint = mountpoint
        self.type = type
        self.source = source
        self.options = options
        self.state = state
        self.kernelMountID = kernelMountID
        self.problem = problem
    }

    /// The names on the wire.
    public enum CodingKeys: String, CodingKey {
        case id, mountpoint, type, source, options, state
        case kernelMountID = "kernel_mount_id"
        case problem
    }
}
