// SPDX-License-Identifier: Apache-2.0

public import Ledger
internal import LinuxMount
public import Logging
public import MountModel
internal import SystemPackage

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

    private let threads: LinuxExecutor
    private let ledger: SQLiteLedger
    private let root: ManagedRoot
    private let parking: ParkingLot
    private let stateLock: FileLock
    private let runtimeLock: FileLock
    private let logger: Logger

    /// Where a host keeps its things, and how it works.
    public struct Options: Sendable {
        /// The ledger and the lock: a folder of root's with mode 0700, made if it is missing.
        public var stateFolder: Mountpoint
        /// The parking slots: as the state folder, and best on a tmpfs.
        public var runtimeFolder: Mountpoint
        /// Everything is mounted beneath it.
        public var mountRoot: Mountpoint
        /// Whether a mount namespace that is not the host's will do; the host does not see what is mounted there.
        public var allowsPrivateNamespace = false
        /// How many kernel operations may be under way at once.
        public var threads = 16
        /// How long a kernel operation may take before its mountpoint is `stuck`.
        public var operationDeadline = Duration.seconds(60)
        /// How much is taken on at one time; `operationsAtOnce` is `threads`, whatever it says.
        public var limits = ManagerLimits()
        /// What is done about mounts that others have changed.
        public var reconcile = ReconcilePolicy()
        /// Told at each step that changes the kernel's state.
        public var executorSteps = ExecutorSteps.none
        /// Told at each step of a commit.
        public var commitSteps: @Sendable () -> Void = {}

        /// Puts the folders together.
        public init(stateFolder: Mountpoint, runtimeFolder: Mountpoint, mountRoot: Mountpoint) {
            self.stateFolder = stateFolder
            self.runtimeFolder = runtimeFolder
            self.mountRoot = mountRoot
        }
    }

    /// Takes the lock, opens the ledger, and prepares the mount root; from here on it listens to the mount table.
    ///
    /// Blocks for as long as the disk does. Needs root with CAP_SYS_ADMIN.
    ///
    /// - Throws: `unavailable` in a namespace that is not the host's, where another process holds the lock, or where a
    ///   folder, the ledger or the kernel refuses; the message says which.
    public init(_ options: Options, logger: Logger) throws(MountError) {
        if !options.allowsPrivateNamespace { try Self.checkNamespace() }
        let boot = try Self.currentBoot()
        for folder in [options.stateFolder, options.runtimeFolder] {
            try Self.translating("use the folder \(folder)") { () throws(SystemCallError) in
                _ = try PrivateFolder.ensure(at: folder.path)
            }
        }
        stateLock = try Self.takeLock(in: options.stateFolder)
        runtimeLock = try Self.takeLock(in: options.runtimeFolder)
        ledger = try Self.openLedger(options)
        let (root, parking, changes) = try Self.translating(
            "prepare the mount root \(options.mountRoot)"
        ) { () throws(SystemCallError) in
            // First of all, so that no change after the first look is missed.
            let changes = try LinuxMountChanges(logger: logger)
            return (
                try ManagedRoot.prepare(at: options.mountRoot.path),
                try ParkingLot.prepare(at: options.runtimeFolder.path.appending("parking")), changes
            )
        }
        self.root = root
        self.parking = parking
        self.logger = logger
        threads = LinuxExecutor(
            root: root, parking: parking, threads: options.threads, steps: options.executorSteps)
        executor = threads
        var limits = options.limits
        limits.operationsAtOnce = options.threads
        manager = MountManager(
            configuration: ManagerConfiguration(
                mountRoot: options.mountRoot, boot: boot, operationDeadline: options.operationDeadline,
                limits: limits, reconcile: options.reconcile),
            ledger: ledger, executor: threads, changes: changes, logger: logger)
        var features = Dictionary(
            KernelFeatures.current.rows.map { ($0.name, $0.isAvailable) }, uniquingKeysWith: { first, _ in first })
        features["mount events by fanotify"] = changes.mechanism == MountEventWatch.Mechanism.fanotify.rawValue
        kernelFeatures = features
    }

    /// What its ledger has done since it was opened.
    public var ledgerCounters: LedgerCounters { get async { await ledger.counters } }

    /// Reads the ledger and begins to recover what an earlier process left; requests are taken from then on.
    ///
    /// - Throws: what kept the ledger from being read.
    public func start() async throws(MountError) {
        try await manager.start()
        await manager.removeFolders(ofNobody: threads.preparedFolders())
    }

    /// Ends what is in flight, within the limit, and lets go of everything; mounts stay in place for the next one.
    ///
    /// Where nothing is mounted any more, the mount root's own bind mount goes too.
    ///
    /// - Throws: what kept the ledger from being closed; every acknowledged change is durable all the same.
    public func stop(within limit: Duration = .seconds(20)) async throws(MountError) {
        await manager.stop(within: limit)
        do {
            try await threads.shutDown()
        } catch {
            logger.error("the executor's threads did not end: \(error)")
        }
        releaseEmptyFolders()
        try await ledger.close()
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

extension LinuxHost {
    /// Mounts made in another namespace than the host's would work, and the host would not see them.
    private static func checkNamespace() throws(MountError) {
        let isHosts = try translating("tell whether this is the host's mount namespace") { () throws(SystemCallError) in
            try MountNamespace.isInitial()
        }
        guard isHosts else {
            throw MountError(
                .unavailable, "this is not the host's mount namespace: the host would not see the mounts",
                hint: "start it outside of containers and unshare(1), or allow a private namespace")
        }
    }

    private static func currentBoot() throws(MountError) -> BootID {
        do throws(SystemCallError) {
            return BootID(rawValue: try KernelBoot.currentID())
        } catch {
            var failure = failure("tell which boot of this machine this is", error)
            failure.hint =
                "what the ledger says of mounts holds for one boot only: is /proc mounted, and nothing over its files?"
            throw failure
        }
    }

    /// The lock goes with the process, however that ends.
    private static func takeLock(in folder: Mountpoint) throws(MountError) -> FileLock {
        let path = folder.path.appending("holdfastd.lock")
        do throws(SystemCallError) {
            return try FileLock.acquire(at: path)
        } catch  where error.errno == .resourceTemporarilyUnavailable {
            throw MountError(
                .unavailable, "another holdfastd runs on this folder: \(error.subject ?? path.string)",
                hint: "stop it first, or give this one folders of its own: --state-dir, --runtime-dir and --mount-root")
        } catch {
            throw failure("take the lock", error)
        }
    }

    private static func openLedger(_ options: Options) throws(MountError) -> SQLiteLedger {
        let steps = options.commitSteps
        do throws(LedgerOpenError) {
            return try SQLiteLedger.open(at: options.stateFolder.path, steps: LedgerSteps { _ in steps() })
        } catch {
            throw error.error
        }
    }

    private static func translating<Value: ~Copyable>(
        _ verb: String, _ body: () throws(SystemCallError) -> Value
    ) throws(MountError) -> Value {
        do throws(SystemCallError) {
            return try body()
        } catch {
            throw failure(verb, error)
        }
    }

    private static func failure(_ verb: String, _ error: SystemCallError) -> MountError {
        MountError(
            .unavailable, "cannot \(verb): \(error)",
            context: MountError.Context(
                operation: "start", systemCall: error.call, errno: error.errno.rawValue,
                kernelMessages: error.kernelMessages),
            hint: error.errno == .notPermitted || error.errno == .permissionDenied
                ? "it needs root, CAP_SYS_ADMIN and CAP_SYS_PTRACE, and folders that only root can change" : nil)
    }
}
