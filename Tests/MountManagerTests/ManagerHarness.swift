// SPDX-License-Identifier: Apache-2.0

import Ledger
import Logging
import MountManager
import MountModel
import MountTestSupport

/// A manager over the simulated kernel and a ledger in memory, with short names for what the tests say.
struct ManagerHarness {
    let kernel: SimulatedKernel
    let ledger: MemoryLedger
    let manager: MountManager
    let log = LogRecorder()

    init(
        kernel: SimulatedKernel = SimulatedKernel(), ledger: MemoryLedger = MemoryLedger(),
        limits: ManagerLimits = ManagerLimits(), retryAfter: Duration = .seconds(3600), boot: String = "boot-1",
        operationDeadline: Duration = .seconds(60),
        reconcile: ReconcilePolicy = ReconcilePolicy(), probes: ProbePolicy = ProbePolicy()
    ) async throws {
        self.kernel = kernel
        self.ledger = ledger
        manager = try await Self.manager(
            kernel: kernel, ledger: ledger, limits: limits, retryAfter: retryAfter, boot: boot,
            operationDeadline: operationDeadline, reconcile: reconcile, probes: probes, log: log)
    }

    /// A started manager over another ledger than one in memory.
    static func manager(
        kernel: SimulatedKernel, ledger: any MountLedger, limits: ManagerLimits = ManagerLimits(),
        retryAfter: Duration = .seconds(3600), boot: String = "boot-1", operationDeadline: Duration = .seconds(60),
        reconcile: ReconcilePolicy = ReconcilePolicy(), probes: ProbePolicy = ProbePolicy(),
        log: LogRecorder = LogRecorder()
    ) async throws -> MountManager {
        let manager = MountManager(
            configuration: ManagerConfiguration(
                mountRoot: try Mountpoint("/root"), boot: BootID(rawValue: boot), operationDeadline: operationDeadline,
                limits: limits, backoff: Backoff(first: retryAfter), reconcile: reconcile, probes: probes),
            ledger: ledger, executor: kernel, changes: kernel, logger: Logger(label: "test") { _ in log })
        try await manager.start()
        return manager
    }

    static func source(_ name: String, options: [MountOption] = []) -> MountSource {
        MountSource(type: FilesystemType(rawValue: "tmpfs"), source: name, options: options)
    }

    static func key(_ consumer: String, volume: String = ".") throws -> AttachmentKey {
        AttachmentKey(volume: try Volume(volume), consumer: try Consumer(consumer))
    }

    @discardableResult
    func attach(
        _ consumer: String, to source: MountSource = source("data"), at mountpoint: String = "/root/data",
        lease: Lease = .explicit, timeout: Duration = .seconds(30)
    ) async throws -> AttachResult {
        try await manager.attach(
            AttachOrder(
                source: source, mountpoint: try Mountpoint(mountpoint), key: try Self.key(consumer), owner: 0,
                lease: lease, timeout: timeout))
    }

    @discardableResult
    func detach(_ consumer: String, from mountpoint: String = "/root/data") async throws -> DetachResult {
        try await manager.detach(try Self.key(consumer), from: try Mountpoint(mountpoint), owner: 0)
    }

    /// Returns when the mountpoint is at rest.
    func settle(_ mountpoint: String = "/root/data") async throws {
        await manager.waitForRest(at: try Mountpoint(mountpoint), within: .seconds(60))
    }

    func phase(of mountpoint: String = "/root/data") async throws -> MountpointState.Phase? {
        await manager.listing(at: try Mountpoint(mountpoint))?.status.phase
    }

    /// The error of an attach that is expected to fail.
    func attachError(
        _ consumer: String, to source: MountSource = source("data"), at mountpoint: String = "/root/data",
        timeout: Duration = .seconds(30)
    ) async throws -> MountError? {
        do {
            try await attach(consumer, to: source, at: mountpoint, timeout: timeout)
            return nil
        } catch let error as MountError {
            return error
        }
    }

    /// What a test has left in kernel and ledger.
    func leftovers() async -> [String] {
        kernel.leftovers + (await ledger.contents.mounts.keys.map { "record of \($0)" })
    }
}
