// SPDX-License-Identifier: Apache-2.0

internal import Diagnosis
public import Filesystems
public import Ledger
internal import LinuxMount
public import Logging
public import MountModel
internal import MountWorker
public import SystemPackage

/// A mount manager on this host's kernel, with everything that it runs on: lock, ledger, mount root, parking, threads.
///
/// What `holdfastd` is made of; a program may use it without the daemon. One per state folder and process.
public final class LinuxHost: Sendable {
    /// The manager; requests are taken after `start()`.
    public let manager: MountManager
    /// What carries out its kernel operations.
    public let executor: any MountExecutor
    /// Which of the kernel's newer interfaces are in use, by name.
    public let kernelFeatures: [String: Bool]

    /// Why nothing is attached or detached, where it has started so.
    public var readOnlyReason: ReadOnlyReason? { manager.configuration.readOnlyReason }

    let options: Options
    let root: ManagedRoot
    let threads: LinuxExecutor
    let workers: WorkerPool?
    private let ledger: LedgerStart
    let parking: ParkingLot
    private let stateLock: FileLock
    private let runtimeLock: FileLock
    private let rootLock: FileLock
    private let logger: Logger

    /// Where a host keeps its things, and how it works.
    public struct Options: Sendable {
        /// The ledger and the lock: a folder of root's with mode 0700, made if it is missing.
        public var stateFolder: Mountpoint
        /// The parking slots, and the copy of a ledger that was taken away: as the state folder, and best on a tmpfs.
        public var runtimeFolder: Mountpoint
        /// Everything is mounted beneath it.
        public var mountRoot: Mountpoint
        /// Whether a mount namespace that is not the host's will do; the host does not see what is mounted there.
        public var allowsPrivateNamespace = false
        /// Whether a new ledger begins where one was moved aside because it could not be read.
        public var beginsNewLedger = false
        /// How many kernel operations may be under way at once.
        public var threads = 16
        /// `holdfast-worker`, by whose processes is done what may hang. Nil: by threads of this process, none of which
        /// can be ended.
        public var workerProgram: FilePath?
        /// All of the workers' environment, `NAME=value` each.
        package var workerEnvironment: [String] = []
        /// How long the folders' filesystems may take to answer for the first time.
        public var answerTime = FolderReach.patience
        /// How long a kernel operation may take: then its worker is killed. Without workers its mountpoint is `stuck`
        /// then, and with them when the worker does not end.
        public var operationDeadline = Duration.seconds(60)
        /// How much is taken on at one time; `operationsAtOnce` is `threads`, whatever it says.
        public var limits = ManagerLimits()
        /// The filesystem types, with those of the configuration.
        public var catalog = FilesystemCatalog.standard
        /// What is done about mounts that others have changed.
        public var reconcile = ReconcilePolicy()
        /// How filesystems are asked whether they are there.
        public var probes = ProbePolicy()
        /// How a mount is unmounted whose filesystem does not answer.
        public var ladder = UnmountLadder()
        /// Told at each step that changes the kernel's state.
        public var executorSteps = ExecutorSteps.none
        /// Told at each step of a commit.
        public var ledgerSteps = LedgerSteps.none

        /// Puts the folders together.
        public init(stateFolder: Mountpoint, runtimeFolder: Mountpoint, mountRoot: Mountpoint) {
            self.stateFolder = stateFolder
            self.runtimeFolder = runtimeFolder
            self.mountRoot = mountRoot
        }
    }

    /// Takes the locks, opens the ledger, and prepares the mount root; from here on it listens to the mount table.
    ///
    /// A ledger that is broken or cannot be written does not keep it from starting: nothing is changed then, see
    /// ``readOnlyReason``. Blocks for as long as the disk does, once it has answered, and some seconds where a lock is
    /// held. Needs root with CAP_SYS_ADMIN.
    ///
    /// - Throws: `unavailable` in a namespace that is not the host's, where another process holds a lock, or where a
    ///   folder or the kernel refuses or does not answer; the message says which.
    public init(_ options: Options, logger: Logger) throws(MountError) {
        let kernelSteps = options.executorSteps.kernel
        if !options.allowsPrivateNamespace { try Self.checkNamespace() }
        let boot = try Self.currentBoot()
        try Self.checkFoldersAnswer(options)
        for folder in [options.stateFolder, options.runtimeFolder] {
            try Self.translating("use the folder \(folder)") { () throws(SystemCallError) in
                try kernelSteps.bound { () throws(SystemCallError) in _ = try PrivateFolder.ensure(at: folder.path) }
            }
        }
        stateLock = try Self.takeLock(Self.lockFile(in: options.stateFolder))
        runtimeLock = try Self.takeLock(Self.lockFile(in: options.runtimeFolder))
        rootLock = try Self.lockMountRoot(options.mountRoot, kernelSteps)
        ledger = try Self.openLedger(options, logger)
        let isReadOnly = ledger.readOnlyReason != nil
        // First of all, so that no change after the first look is missed.
        let changes = try Self.translating("listen to the mount table") { () throws(SystemCallError) in
            try LinuxMountChanges(logger: logger)
        }
        let root = try Self.preparing("the mount root", options.mountRoot.path) { () throws(SystemCallError) in
            try kernelSteps.bound { () throws(SystemCallError) in
                try ManagedRoot.prepare(at: options.mountRoot.path, repairs: !isReadOnly)
            }
        }
        let lot = options.runtimeFolder.path.appending("parking")
        let parking = try Self.preparing("the parking lot", lot) { () throws(SystemCallError) in
            try kernelSteps.bound { () throws(SystemCallError) in
                try ParkingLot.prepare(at: lot, repairs: !isReadOnly)
            }
        }
        self.options = options
        self.root = root
        self.parking = parking
        self.logger = logger
        workers = try Self.startWorkers(options, logger)
        threads = LinuxExecutor(
            root: root, parking: parking, catalog: options.catalog, isReadOnly: isReadOnly, threads: options.threads,
            steps: options.executorSteps,
            ownFolders: [options.stateFolder.path, options.runtimeFolder.path], operations: workers,
            locks: try Self.openLocks(options), ladder: options.ladder)
        executor = threads
        var limits = options.limits
        limits.operationsAtOnce = options.threads
        let configuration = ManagerConfiguration(
            mountRoot: options.mountRoot, boot: boot,
            operationDeadline: options.operationDeadline + (workers == nil ? .zero : Self.killingTime),
            limits: limits, reconcile: options.reconcile, catalog: options.catalog, probes: options.probes,
            ladder: options.ladder,
            readOnlyReason: ledger.readOnlyReason)
        manager = MountManager(
            configuration: configuration, ledger: ledger.forManager, executor: threads, changes: changes,
            logger: logger)
        var features = Dictionary(
            KernelFeatures.current.rows.map { ($0.name, $0.isAvailable) }, uniquingKeysWith: { first, _ in first })
        features["mount events by fanotify"] = changes.mechanism == MountEventWatch.Mechanism.fanotify.rawValue
        kernelFeatures = features
    }

    /// How many workers there are and have been; nil where it has none.
    public var workerCounts: WorkerCounts? { workers?.counts }

    /// How many looks at sources whose type is not named are under way, and how many there may be at once.
    public var looks: (used: Int, limit: Int) {
        get async { (await threads.looks.subjects.count, threads.lookLimit) }
    }

    /// What its ledger has done since it was opened; nil where it cannot be written.
    public var ledgerCounters: LedgerCounters? {
        get async { if case .open(let ledger) = ledger { await ledger.counters } else { nil } }
    }

    /// Reads the ledger and begins to recover what an earlier process left; requests are taken from then on. Mounts
    /// beneath the mount root that are in no record are named in the log.
    ///
    /// - Throws: what kept the ledger from being read.
    public func start() async throws(MountError) {
        try await manager.start()
        // Requests do not wait for these looks where operations of the recovery hang in the kernel.
        await Deadline.first(within: .seconds(2), otherwise: ()) { [self] in
            if readOnlyReason == nil, let problem = await threads.adoptParked(except: manager.recordedMounts()) {
                logger.error("\(problem.message)", metadata: ["left": "what an earlier process has parked"])
            }
            if readOnlyReason == nil { await manager.removeFolders(ofNobody: threads.preparedFolders()) }
            await manager.logUnrecordedMounts()
        }
    }

    /// Ends what is in flight, within the limit, and lets go of everything; mounts stay in place for the next one.
    ///
    /// Where nothing is mounted any more, the mount root's own bind mount goes too, but not by one that must not write.
    /// What hangs in the kernel is not waited for any longer, and keeps its thread, and the locks, until it ends or the
    /// process does.
    ///
    /// - Throws: what kept the ledger from being closed, or `stuck` where something hangs; every acknowledged change is
    ///   durable all the same.
    public func stop(within limit: Duration = .seconds(20)) async throws(MountError) {
        let deadline = ContinuousClock.now + limit
        await manager.stop(within: limit)
        let late = MountError(
            .stuck,
            "not everything has ended: a call to the kernel or the disk hangs",
            context: MountError.Context(operation: "stop"),
            hint: """
                the log names the mountpoints, if it is at one; what is recorded is safe, mounts stay in place, and \
                the next start takes them up when the call has ended
                """
        )
        // Where what is in flight has taken all the time, what does not hang gets a moment still.
        let rest = max(ContinuousClock.now.duration(to: deadline), .seconds(1))
        let released = await Deadline.first(within: rest, otherwise: Result<Void, MountError>.failure(late)) { [self] in
            do throws(MountError) { return .success(try await release()) } catch { return .failure(error) }
        }
        try released.get()
    }

    private func release() async throws(MountError) {
        do {
            try await threads.shutDown()
        } catch {
            logger.error("the executor's threads did not end: \(error)")
        }
        // They hold the mount root open.
        workers?.close()
        if readOnlyReason == nil { threads.steps.kernel.bound { releaseEmptyFolders() } }
        if case .open(let ledger) = ledger { try await ledger.close() }
    }

    private func releaseEmptyFolders() {
        do throws(SystemCallError) {
            try parking.release()
            try root.release()
        } catch  where error.errno == .resourceBusy {
            logger.info("mounts are in use: the mount root stays")
        } catch {
            logger.error("the mount root could not be released: \(error)")
        }
    }
}
