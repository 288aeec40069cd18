// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
public import Ledger
public import Logging
public import MountModel
internal import SystemPackage

/// Runs the state machines: one for each mountpoint, fed with requests, with the ends of kernel operations and ledger
/// writes, and with what the kernel says has changed.
///
/// The actor decides nothing about a mountpoint: `MountState.handle` does. It carries out effects and feeds their
/// outcomes back as events. No call here blocks a thread.
///
/// Life: `init`, `start()`, then `run()` for as long as the manager lives, then `stop()`.
public actor MountManager {
    /// What it was started with.
    public nonisolated let configuration: ManagerConfiguration
    let ledger: any MountLedger
    let executor: any MountExecutor
    let changes: any MountChangeSource
    let logger: Logger
    var machines: [Mountpoint: Machine] = [:]
    /// Those of them that are outside the mount root, where others mount.
    var externals: Set<Mountpoint> = []
    var mountpointsByID: [MountID: Mountpoint] = [:]
    var owedFolders = OwedFolders()
    /// How often something was unmounted, or might have been.
    var departures: UInt64 = 0
    /// The one attempt under way at the owed folders.
    var removingOwed: Task<Void, Never>?
    /// The one of them that is being removed at this moment.
    var removal: (mountpoint: Mountpoint, task: Task<Void, Never>)?
    /// Whether others had made the mount root shared at the last look, and it has stayed so.
    var isRootExposed = false
    /// The looks that may hang, one of each kind at a time.
    let driftLooks = SharedLooks<OnlySubject, Bool>()
    let unrecordedLooks = SharedLooks<OnlySubject, [UnrecordedMount]>()
    /// That the ledger's files were taken away, as long as they are.
    var ledgerLoss: ReadOnlyReason?
    /// The one look after them that is under way.
    var checkingLedger: Task<Void, Never>?
    /// Who may begin a kernel operation or a ledger write.
    var lanes: [Lane.Name: Lane]
    /// What of the load is counted as it changes.
    var counts = ManagerLoad()
    /// When which filesystem is asked whether it is there.
    var probes: ProbeSchedule<MountID>
    /// The questions that have no end yet.
    var probing: [MountID: Task<Void, Never>] = [:]
    let typesWithServer: Set<FilesystemType>
    /// When the next attempt at the mounts that were parked is due; nil while there is one.
    var parkedAreDue: ContinuousClock.Instant? = .now
    var endingParked: Task<Void, Never>?
    /// Tells the secrets of requests apart.
    nonisolated let secretMark = SecretMark()
    var isAccepting = false
    var isStopping = false
    private var lastNumber: UInt64 = 0

    /// Takes the parts; nothing is read or mounted before `start()`.
    public init(
        configuration: ManagerConfiguration, ledger: any MountLedger, executor: any MountExecutor,
        changes: any MountChangeSource, logger: Logger
    ) {
        self.configuration = configuration
        self.ledger = ledger
        self.executor = executor
        self.changes = changes
        self.logger = logger
        probes = ProbeSchedule(configuration.probes)
        typesWithServer = configuration.catalog.typesWithServer
        let limits = configuration.limits
        lanes = [
            .sources: Lane(limit: limits.operationsAtOnce, limitPerServer: limits.operationsPerServer),
            .table: Lane(limit: limits.operationsAtOnce, limitPerServer: limits.operationsPerServer),
            .ledger: Lane(limit: limits.writesAtOnce),
        ]
    }

    /// Reads the ledger and starts each mountpoint's recovery; requests are taken from then on, and each is answered as
    /// soon as its own mountpoint is settled.
    ///
    /// - Throws: what kept the ledger from being read; nothing was changed.
    public func start() async throws(MountError) {
        let contents = try await ledger.load()
        // What happened before the first inspection is covered by it.
        _ = changes.drain()
        let orphaned = await executor.orphans(among: Set(contents.mounts.keys))
        for (mountpoint, entry) in contents.mounts.sorted(by: { $0.key < $1.key }) {
            let held = Set(entry.attachments.map(\.key))
            let state = MountpointState(
                recovering: MountpointState.Row(
                    source: configuration.managed(entry.record.source, at: mountpoint), id: entry.record.mountID),
                held: held, persistent: Set(entry.attachments.filter(\.persistent).map(\.key)),
                isSameBoot: entry.record.boot == configuration.boot, hasOrphan: orphaned.contains(mountpoint),
                isReadOnly: configuration.isReadOnly, rungs: configuration.ladder.rungs)
            let machine = Machine(
                mountpoint: mountpoint, state: state, attachments: entry.attachments, backoff: configuration.backoff)
            keep(machine)
            counts.attachments += held.count
            logger.info(
                "recovering a mountpoint",
                metadata: [
                    "mountpoint": "\(mountpoint)", "source": "\(entry.record.source)", "attachments": "\(held.count)",
                    "same_boot": "\(entry.record.boot == configuration.boot)",
                ])
            feed(.start, to: machine)
        }
        isAccepting = true
        watchOrphans(orphaned)
    }

    /// Listens to the kernel and watches over the operations' deadlines and the ledger's files, until the task is
    /// cancelled.
    public func run() async {
        async let listening: Void = changes.watch { await self.takeChanges() }
        // A look that hangs in the kernel does not keep this from ending.
        async let looking: Void = changes.watchAttributes {
            await self.lookForDrift()
        }
        async let serving: Void = executor.watchDeserted { await self.noteDeserted($0) }
        await watchDeadlines()
        await listening
        await looking
        await serving
    }

    /// Takes no more requests, and answers those that wait with `unavailable`; nothing new is begun.
    public func stopAccepting() {
        isAccepting = false
        isStopping = true
        for probe in probing.values { probe.cancel() }
        endingParked?.cancel()
        for machine in machines.values {
            machine.timer?.task.cancel()
            machine.timer = nil
            noteRest(of: machine)
            for id in machine.waiting.keys { withdraw(id, at: machine.mountpoint, because: .stopping) }
            // The next start finds what this one has not come to, and who still acts.
            if case .orphan = machine.state.operation?.kind {
                machine.isDropped = true
                noteRest(of: machine)
            }
            guard let turn = machine.operation?.turn, withdraw(turn) else { continue }
            machine.isDropped = true
            noteRest(of: machine)
        }
    }

    /// Stops accepting, and returns when no kernel operation or ledger write is in flight, or at the deadline: what
    /// hangs is then named in the log.
    ///
    /// Mounts stay as they are: the next start finds them.
    public func stop(within limit: Duration) async {
        stopAccepting()
        let deadline = ContinuousClock.now + limit
        for mountpoint in machines.keys { await wait(for: .rest, at: mountpoint, until: deadline) }
        if ContinuousClock.now < deadline { removeOwedFolders() }
        if let removingOwed {
            await Deadline.first(within: ContinuousClock.now.duration(to: deadline), otherwise: ()) {
                await removingOwed.value
            }
        }
        noteWhatHangs()
    }

    /// Names what a stop does not wait for.
    private func noteWhatHangs() {
        let hanging = machines.values.filter { !$0.isAtRest }.sorted { $0.mountpoint < $1.mountpoint }
        if hanging.isEmpty, removingOwed == nil { return }
        let shown = hanging.prefix(20).map { "\($0.mountpoint) (\($0.state.phase.rawValue))" }
        logger.error(
            "stopping does not wait any longer for what is under way at \(hanging.count) mountpoints",
            metadata: [
                "mountpoints": "\(shown.joined(separator: ", "))\(hanging.count > shown.count ? ", …" : "")",
                "folder": "\(removal?.mountpoint, default: "")",
            ])
    }

    /// Whether recovery has been started and requests are taken.
    public var isReady: Bool { isAccepting }

    func nextNumber() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }

    var newState: MountpointState {
        MountpointState(isReadOnly: configuration.isReadOnly, rungs: configuration.ladder.rungs)
    }

    /// The mountpoint's machine, made if there is none.
    func machine(at mountpoint: Mountpoint) -> Machine {
        if let machine = machines[mountpoint] { return machine }
        let machine = Machine(
            mountpoint: mountpoint, state: newState, attachments: [],
            backoff: configuration.backoff)
        keep(machine)
        // The folder is not to go while a mount is being placed on it.
        if let removal, removal.mountpoint == mountpoint { closeAfter(removal.task, at: machine) }
        return machine
    }

    private func keep(_ machine: Machine) {
        machines[machine.mountpoint] = machine
        if !machine.mountpoint.path.starts(with: configuration.mountRoot.path) { externals.insert(machine.mountpoint) }
    }

    /// Looks once a second for operations that are past their deadline, and after the ledger's files.
    private func watchDeadlines() async {
        while await Deadline.passes(after: .seconds(1)) {
            noteOverdueOperations()
            checkLedgerPlace()
            startProbes()
            endParked()
        }
    }

    /// Tells the machines whose operation is past its deadline.
    package func noteOverdueOperations() {
        let limit = ContinuousClock.now - configuration.operationDeadline
        for machine in machines.values where machine.state.operation?.isStuck == false {
            guard let operation = machine.operation else { continue }
            guard operation.progress.isStuck || operation.progress.isRunning(sinceBefore: limit) else { continue }
            logger.error("an operation is past its deadline", metadata: ["mountpoint": "\(machine.mountpoint)"])
            // It has no thread any more, only a process that ends when the kernel lets go of it.
            if operation.progress.isStuck { leave(operation.turn) }
            feed(.operationStuck, to: machine)
        }
    }
}
