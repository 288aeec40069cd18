// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
internal import Logging
internal import MountManager
internal import MountModel
internal import SystemPackage

/// What the daemon takes from the kernel before it can manage anything.
struct Kernel {
    let settings: Settings

    /// Checks the namespace and makes the daemon's own folders.
    ///
    /// - Throws: `unavailable` in a namespace that is not the host's; what is wrong with a folder.
    init(settings: Settings) throws(MountError) {
        self.settings = settings
        if !settings.allowsPrivateNamespace { try Self.checkNamespace() }
        for folder in [settings.stateFolder, settings.runtimeFolder] {
            try Self.translating("use the folder \(folder)") { () throws(SystemCallError) in
                _ = try PrivateFolder.ensure(at: folder.path)
            }
        }
    }

    /// Mounts made in another namespace than the host's would work, and the host would not see them.
    private static func checkNamespace() throws(MountError) {
        let isHosts = try translating("tell whether this is the host's mount namespace") { () throws(SystemCallError) in
            try MountNamespace.isInitial()
        }
        guard isHosts else {
            throw MountError(
                .unavailable, "this is not the host's mount namespace: the host would not see the mounts",
                hint: "start holdfastd outside of containers and unshare(1), or pass --allow-private-namespace")
        }
    }

    /// Takes the daemon's lock; it goes with the process.
    ///
    /// - Throws: `unavailable` where another daemon has it.
    func lock() throws(MountError) -> FileLock {
        let path = settings.stateFolder.path.appending("holdfastd.lock")
        do throws(SystemCallError) {
            return try FileLock.acquire(at: path)
        } catch  where error.errno == .resourceTemporarilyUnavailable {
            throw MountError(
                .unavailable, "another holdfastd runs on this state: \(error.subject ?? path.string)",
                hint: "stop it first, or choose another --state-dir")
        } catch {
            throw Self.failure("take the lock", error)
        }
    }

    /// Prepares the managed root and the parking lot, and listens to the mount table from now on.
    func prepareMounts(logger: Logger) throws(MountError) -> Parts {
        try Self.translating("prepare the mount root \(settings.mountRoot)") { () throws(SystemCallError) in
            let changes = try LinuxMountChanges(logger: logger)
            let root = try ManagedRoot.prepare(at: settings.mountRoot.path)
            let parking = try ParkingLot.prepare(at: settings.runtimeFolder.path.appending("parking"))
            var features = Dictionary(
                KernelFeatures.current.rows.map { ($0.name, $0.isAvailable) }, uniquingKeysWith: { first, _ in first })
            features["fanotify_mount_events"] = changes.mechanism == MountEventWatch.Mechanism.fanotify.rawValue
            return Parts(
                boot: BootID(rawValue: try KernelBoot.currentID()), root: root, parking: parking,
                executor: LinuxExecutor(
                    root: root, parking: parking, threads: settings.threads, steps: CrashPoint.executorSteps),
                changes: changes, features: features)
        }
    }

    /// What the manager runs on.
    struct Parts {
        let boot: BootID
        let root: ManagedRoot
        let parking: ParkingLot
        let executor: LinuxExecutor
        let changes: LinuxMountChanges
        let features: [String: Bool]

        /// Unmounts the root and the parking lot where nothing is mounted in them.
        func releaseEmptyFolders(logger: Logger) {
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

    static func translating<Value: ~Copyable>(
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
                ? "holdfastd must run as root, with CAP_SYS_ADMIN and CAP_SYS_PTRACE" : nil)
    }
}
