// SPDX-License-Identifier: Apache-2.0

public import Filesystems
public import MountModel
internal import SystemPackage

/// What a manager is started with.
public struct ManagerConfiguration: Sendable {
    /// The folder beneath which everything is mounted.
    public var mountRoot: Mountpoint
    /// This boot, in the kernel's word.
    public var boot: BootID
    /// How long a kernel operation may take, from when it is on its thread, before its mountpoint is `stuck`.
    public var operationDeadline: Duration
    /// How much is taken on at one time.
    public var limits: ManagerLimits
    /// The filesystem types.
    public var catalog: FilesystemCatalog
    /// The pauses between retries of one mountpoint.
    public var backoff: Backoff
    /// What is done about mounts that others have changed.
    public var reconcile: ReconcilePolicy
    /// How filesystems are asked whether they are there.
    public var probes: ProbePolicy
    /// How a mount is unmounted whose filesystem does not answer.
    public var ladder: UnmountLadder
    /// Why nothing is to be changed, where the ledger cannot be written: what is there is only shown.
    public var readOnlyReason: ReadOnlyReason?

    /// Whether nothing is to be changed.
    public var isReadOnly: Bool { readOnlyReason != nil }

    /// Puts the parts together.
    public init(
        mountRoot: Mountpoint, boot: BootID, operationDeadline: Duration = .seconds(60),
        limits: ManagerLimits = ManagerLimits(), backoff: Backoff = Backoff(),
        reconcile: ReconcilePolicy = ReconcilePolicy(), catalog: FilesystemCatalog = .standard,
        probes: ProbePolicy = ProbePolicy(), ladder: UnmountLadder = UnmountLadder(),
        readOnlyReason: ReadOnlyReason? = nil
    ) {
        self.mountRoot = mountRoot
        self.boot = boot
        self.operationDeadline = operationDeadline
        self.limits = limits
        self.backoff = backoff
        self.reconcile = reconcile
        self.catalog = catalog
        self.probes = probes
        self.ladder = ladder
        self.readOnlyReason = readOnlyReason
    }

    /// The source, with how the configuration has it managed at this mountpoint.
    ///
    /// Outside the mount root nothing is unmounted, also if the configuration knows the type no longer.
    func managed(_ source: MountSource, at mountpoint: Mountpoint) -> ManagedSource {
        ManagedSource(
            source,
            isExternal: !mountpoint.path.starts(with: mountRoot.path) && catalog.isExternal(source.type) != false,
            // What came with a request is not kept.
            isHealed: reconcile.action(for: source) == .heal && source.credentialsDigest == nil)
    }
}
