// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
public import HoldfastAPI
public import MountManager
public import MountModel
internal import SystemPackage

/// The HTTP API's view of a mount manager: checks what a request says, in the catalog's grammar, and translates.
public struct ManagerService: MountService {
    let manager: MountManager
    private let executor: any MountExecutor
    let facts: DaemonFacts
    let diagnosis: SharedDiagnosis
    var catalog: FilesystemCatalog { manager.configuration.catalog }
    private let started = ContinuousClock.now

    /// Serves a manager.
    public init(manager: MountManager, executor: any MountExecutor, facts: DaemonFacts) {
        self.manager = manager
        self.executor = executor
        self.facts = facts
        diagnosis = SharedDiagnosis(known: facts.knownFindings, look: facts.diagnose)
    }

    public func attach(_ request: AttachRequest, caller: Caller) async throws(MountError) -> AttachResponse {
        let result = try await manager.attach(try await order(for: request, caller: caller))
        return AttachResponse(
            attachment: summary(of: result.attachment, at: result.mount.mountpoint), mount: summary(of: result.mount),
            created: result.created)
    }

    public func detach(id: String, timeoutSeconds: Double?, caller: Caller) async throws(MountError) -> DetachResponse {
        let timeout = try timeout(timeoutSeconds)
        guard let (listing, attachment) = await find(attachment: id) else { return try absent("attachment \(id)") }
        return try await detach(attachment.key, from: listing.status.mountpoint, caller: caller, timeout: timeout)
    }

    public func detach(
        _ selector: DetachSelector, timeoutSeconds: Double?, caller: Caller
    ) async throws(MountError) -> DetachResponse {
        let timeout = try timeout(timeoutSeconds)
        let key = try key(volume: selector.volume, consumer: selector.consumer)
        let mountpoint = try selector.at.map { (path) throws(MountError) in try Mountpoint(path) }
        let type = selector.type.map { FilesystemType(rawValue: $0) }
        let found = await manager.mountpoints(holding: key) { status in
            guard type == nil || status.source.type == type, mountpoint == nil || status.mountpoint == mountpoint
            else { return false }
            // A type that the configuration has no longer has no other forms of its sources.
            guard let entry = try? catalog.entry(status.source.type) else {
                return status.source.source == selector.source
            }
            // What is no source of this type at all does not match one.
            return (try? entry.canonicalSource(selector.source)) == status.source.source
        }
        guard let first = found.first else { return try absent("\(key) from \(selector.source)") }
        guard found.count == 1 else {
            throw MountError(
                .conflict,
                "\(key) is attached to \(selector.source) at \(found.map(\.description).joined(separator: " and "))",
                hint: "say which: name the mountpoint, or the attachment's id")
        }
        return try await detach(key, from: first, caller: caller, timeout: timeout)
    }

    public func mounts() async throws(MountError) -> MountList {
        let recorded = await manager.list().map { detail(of: $0) }
        let others = await manager.unrecordedMounts().map { detail(of: $0) }
        if others.isEmpty { return MountList(mounts: recorded) }
        return MountList(mounts: (recorded + others).sorted { $0.mount.mountpoint < $1.mount.mountpoint })
    }

    public func mount(id: String) async throws(MountError) -> MountDetail {
        for listing in await manager.list() where Identifier.mount(listing.status.mountpoint) == id {
            return detail(of: listing)
        }
        for mount in await manager.unrecordedMounts() where Identifier.mount(at: mount.path) == id {
            return detail(of: mount)
        }
        throw MountError(.notFound, "there is no mount '\(InputText.quoted(id))'", hint: "see 'holdfast list'")
    }

    public func attachments() async throws(MountError) -> AttachmentList {
        AttachmentList(
            attachments: await manager.list().flatMap { listing in
                listing.attachments.map { summary(of: $0, at: listing.status.mountpoint) }
            })
    }

    public func attachment(id: String) async throws(MountError) -> AttachResponse {
        guard let (listing, attachment) = await find(attachment: id) else {
            throw MountError(.notFound, "there is no attachment '\(InputText.quoted(id))'", hint: "see 'holdfast list'")
        }
        return AttachResponse(
            attachment: summary(of: attachment, at: listing.status.mountpoint), mount: summary(of: listing.status),
            created: false)
    }

    public func verify() async throws(MountError) -> VerifyResponse {
        let recorded = await manager.verify().map { verification in
            let status = verification.status
            let expected = status.mountID.map { "mount \($0): \(status.source)" } ?? "\(status.source)"
            return VerifyResponse.Entry(
                id: Identifier.mount(status.mountpoint), mountpoint: status.mountpoint.description,
                result: verification.examination.result.rawValue, expected: expected,
                found: verification.examination.found)
        }
        let others = await manager.unrecordedMounts().map { entry(for: $0) }
        return VerifyResponse(mounts: (recorded + others).sorted { $0.mountpoint < $1.mountpoint })
    }

    public func status() async throws(MountError) -> StatusResponse {
        let listings = await manager.list()
        let uptime = ContinuousClock.now - started
        let unrecorded = await manager.unrecordedMounts().count
        return StatusResponse(
            version: facts.version, pid: facts.pid, uptimeSeconds: uptime / .seconds(1),
            bootID: manager.configuration.boot.rawValue, mountRoot: manager.configuration.mountRoot.description,
            mounts: listings.reduce(into: unrecorded == 0 ? [:] : ["unrecorded": unrecorded]) {
                $0[$1.status.state, default: 0] += 1
            },
            attachments: listings.reduce(0) { $0 + $1.attachments.count },
            limits: Self.use(of: manager.configuration.limits, by: await manager.load()).merging(
                [
                    "connections": facts.connections(),
                    "looks": await facts.looks().map { LimitUse(used: $0.used, limit: $0.limit) },
                ].compactMapValues { $0 }
            ) { first, _ in first },
            kernelFeatures: facts.kernelFeatures,
            workers: facts.workers().map { ["running": $0.running, "stuck": $0.stuck, "killed": $0.killed] },
            ledger: await facts.ledger(),
            readOnly: await manager.readOnlyReason.map { Problem($0.error) })
    }

    private static func use(of limits: ManagerLimits, by load: ManagerLoad) -> [String: LimitUse] {
        [
            "mounts": LimitUse(used: load.mounts, limit: limits.mounts),
            "attachments": LimitUse(used: load.attachments, limit: limits.attachments),
            "waiting_attaches": LimitUse(used: load.waitingAttaches, limit: limits.waiting),
            "waiting_detaches": LimitUse(used: load.waitingDetaches, limit: limits.waiting),
            "waiting_per_mountpoint": LimitUse(
                used: load.waitingAtMountpoint, limit: limits.waitingAtMountpoint),
            "operations": LimitUse(used: load.awaitedOperations, limit: limits.awaitedOperations),
            "builds": LimitUse(used: load.builds, limit: limits.operationsAtOnce),
            "table_operations": LimitUse(used: load.tableOperations, limit: limits.operationsAtOnce),
        ]
    }

    public func checkReadiness() async throws(MountError) {
        guard await manager.isReady else {
            throw MountError(.unavailable, "the daemon is starting or stopping", hint: "try again soon")
        }
        if let reason = await manager.readOnlyReason { throw reason.error }
    }
}

/// What the daemon knows about itself and its kernel.
public struct DaemonFacts: Sendable {
    /// The daemon's version.
    public var version: String
    /// Its process id.
    public var pid: Int32
    /// Which of the kernel's newer interfaces are in use, by name.
    public var kernelFeatures: [String: Bool]
    /// How many workers there are and have been; nil where there are none.
    public var workers: @Sendable () -> WorkerCounts?
    /// How many connections its server has; nil where it has none.
    public var connections: @Sendable () -> LimitUse?
    /// How many looks at sources whose type is not named are under way; nil where they have no limit.
    public var looks: @Sendable () async -> (used: Int, limit: Int)?
    /// What the ledger has done since it was opened, by name; nil where there is none.
    public var ledger: @Sendable () async -> [String: Int]?
    /// Looks for what is wrong on the host.
    public var diagnose: @Sendable () async -> [Finding]
    /// Those of them that are known without a look, for when that does not end.
    public var knownFindings: @Sendable () async -> [Finding]

    /// Puts the parts together.
    public init(
        version: String, pid: Int32, kernelFeatures: [String: Bool],
        workers: @escaping @Sendable () -> WorkerCounts? = { nil },
        connections: @escaping @Sendable () -> LimitUse? = { nil },
        looks: @escaping @Sendable () async -> (used: Int, limit: Int)? = { nil },
        ledger: @escaping @Sendable () async -> [String: Int]? = { nil },
        diagnose: @escaping @Sendable () async -> [Finding] = { [] },
        knownFindings: @escaping @Sendable () async -> [Finding] = { [] }
    ) {
        self.version = version
        self.pid = pid
        self.kernelFeatures = kernelFeatures
        self.workers = workers
        self.connections = connections
        self.looks = looks
        self.ledger = ledger
        self.diagnose = diagnose
        self.knownFindings = knownFindings
    }
}

// MARK: - Translation

extension ManagerService {
    /// What a request means, checked by the catalog's grammar; a type that is not named is looked for.
    func order(for request: AttachRequest, caller: Caller) async throws(MountError) -> AttachOrder {
        let key = try key(volume: request.volume, consumer: request.consumer)
        let time = min(try timeout(request.timeoutSeconds), manager.configuration.limits.requestTime)
        let deadline = ContinuousClock.now + time
        let mountpoint = try request.at.map { (path) throws(MountError) in try Mountpoint(path) }
        let lease = try request.lease.map { (name) throws(MountError) in try Lease(named: name) } ?? .explicit
        let type: FilesystemType
        if let name = request.type {
            type = FilesystemType(rawValue: name)
        } else {
            type = try await executor.detectType(of: request.source, within: ContinuousClock.now.duration(to: deadline))
        }
        let secrets = request.secrets ?? [:]
        let source: MountSource
        do throws(MountError) {
            source = try catalog.source(
                type: type, source: request.source, options: request.options ?? [], secrets: secrets)
        } catch {
            var error = error
            if request.type == nil {
                error.hint = (error.hint.map { "\($0); " } ?? "") + "no type was named, and this looks like \(type)"
            }
            throw error
        }
        return AttachOrder(
            source: source, secrets: secrets, mountpoint: mountpoint, key: key, owner: caller.uid, lease: lease,
            timeout: ContinuousClock.now.duration(to: deadline))
    }

    /// The answer where there is no such attachment, as far as that is known.
    private func absent(_ what: String) throws(MountError) -> DetachResponse {
        try manager.checkIsWritable(for: "cannot detach \(InputText.quoted(what))")
        return DetachResponse(detached: false, mountState: MountpointState.Phase.absent.rawValue)
    }

    private func detach(
        _ key: AttachmentKey, from mountpoint: Mountpoint, caller: Caller, timeout: Duration
    ) async throws(MountError) -> DetachResponse {
        let result = try await manager.detach(key, from: mountpoint, owner: caller.uid, timeout: timeout)
        return DetachResponse(
            detached: result.detached, mountState: result.phase.rawValue, problem: result.problem.map(Problem.init))
    }

    private func find(attachment id: String) async -> (MountManager.Listing, Attachment)? {
        for listing in await manager.list() {
            for attachment in listing.attachments
            where Identifier.attachment(attachment.key, at: listing.status.mountpoint) == id {
                return (listing, attachment)
            }
        }
        return nil
    }

    private func key(volume: String?, consumer: String) throws(MountError) -> AttachmentKey {
        AttachmentKey(
            volume: try volume.map { (name) throws(MountError) in try Volume(name) } ?? .whole,
            consumer: try Consumer(consumer))
    }

    private func timeout(_ seconds: Double?) throws(MountError) -> Duration {
        guard let seconds else { return .seconds(30) }
        guard (0.001...86_400).contains(seconds) else {
            throw .invalidArgument("timeout_seconds is \(seconds)", hint: "0.001 to 86400 seconds are allowed")
        }
        return .seconds(seconds)
    }

    private func summary(of status: MountStatus) -> MountSummary {
        MountSummary(
            id: Identifier.mount(status.mountpoint), mountpoint: status.mountpoint.description,
            type: status.source.type.rawValue, source: status.source.source,
            options: status.source.options.map(\.description), state: status.state,
            kernelMountID: status.mountID?.rawValue, problem: status.problem.map(Problem.init))
    }

    private func summary(of attachment: Attachment, at mountpoint: Mountpoint) -> AttachmentSummary {
        let volume = attachment.key.volume
        return AttachmentSummary(
            id: Identifier.attachment(attachment.key, at: mountpoint), mountID: Identifier.mount(mountpoint),
            consumer: attachment.key.consumer.name, volume: volume.name, ownerUID: attachment.owner,
            lease: attachment.lease.rawValue, path: path(of: volume, at: mountpoint))
    }

    func path(of volume: Volume, at mountpoint: Mountpoint) -> String {
        volume == .whole ? mountpoint.description : "\(mountpoint)/\(volume.name)"
    }

    func detail(of listing: MountManager.Listing) -> MountDetail {
        MountDetail(
            mount: summary(of: listing.status),
            attachments: listing.attachments.map { summary(of: $0, at: listing.status.mountpoint) })
    }
}
