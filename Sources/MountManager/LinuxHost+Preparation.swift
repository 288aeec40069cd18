// SPDX-License-Identifier: Apache-2.0

internal import Diagnosis
internal import Ledger
internal import LinuxMount
internal import Logging
internal import MountModel
internal import MountWorker
internal import SystemPackage

extension LinuxHost {
    /// Mounts made in another namespace than the host's would work, and the host would not see them.
    static func checkNamespace() throws(MountError) {
        let isHosts = try translating("tell whether this is the host's mount namespace") { () throws(SystemCallError) in
            try MountNamespace.isInitial()
        }
        guard isHosts else {
            throw MountError(
                .unavailable, "this is not the host's mount namespace: the host would not see the mounts",
                hint: "start it outside of containers and unshare(1), or allow a private namespace")
        }
    }

    /// Before the first of them is used: a thread that waits for a server that is gone can be left behind here, and
    /// nowhere later.
    static func checkFoldersAnswer(_ options: Options) throws(MountError) {
        let folders = [options.stateFolder, options.runtimeFolder, options.mountRoot].map(\.path)
        guard let silent = FolderReach.silent(among: folders, within: options.answerTime).first else { return }
        throw MountError(
            .unavailable, "the filesystem of \(silent) has not answered within \(options.answerTime)",
            context: MountError.Context(operation: "start", target: silent.string),
            hint: "\(FolderReach.advice); start holdfastd when it does")
    }

    static func currentBoot() throws(MountError) -> BootID {
        do throws(SystemCallError) {
            return BootID(rawValue: try KernelBoot.currentID())
        } catch {
            var failure = failure("tell which boot of this machine this is", error)
            failure.hint =
                "what the ledger says of mounts holds for one boot only: is /proc mounted, and nothing over its files?"
            throw failure
        }
    }

    /// A daemon that was killed a moment ago may still be ending: its lock is waited for.
    private static let patience = Duration.seconds(3)

    static func lockFile(in folder: Mountpoint) -> FilePath { folder.path.appending("holdfastd.lock") }

    /// The lock goes with the process, however that ends.
    static func takeLock(_ path: FilePath) throws(MountError) -> FileLock {
        do throws(SystemCallError) {
            return try FileLock.acquire(at: path, waiting: patience)
        } catch  where error.errno == .resourceTemporarilyUnavailable {
            throw MountError(
                .unavailable, "another holdfastd runs on this folder: \(error.subject ?? path.string)",
                hint: "stop it first, or give this one folders of its own: --state-dir, --runtime-dir and --mount-root")
        } catch {
            throw failure("take the lock", error)
        }
    }

    /// Two daemons with state folders of their own must not mount beneath one root. The file stands beside the root,
    /// not in it: consumers see what is in it, and whoever can open a file can lock it.
    static func lockMountRoot(_ root: Mountpoint, _ steps: KernelSteps) throws(MountError) -> FileLock {
        guard let name = root.path.lastComponent else {
            throw .invalidArgument("the mount root \(root) has no name", hint: "choose a folder of its own")
        }
        try preparing("the mount root", root.path) { () throws(SystemCallError) in
            try steps.bound { () throws(SystemCallError) in try ManagedRoot.makeFolder(at: root.path) }
        }
        let folder = root.path.removingLastComponent()
        return try takeLock(folder.appending(".\(name.string).holdfastd.lock"))
    }

    /// How long after its deadline an operation may end still, because its worker is being killed.
    static let killingTime = Duration.seconds(5)

    /// The workers, one of which has answered.
    static func startWorkers(_ options: Options, _ logger: Logger) throws(MountError) -> WorkerPool? {
        guard let program = options.workerProgram else { return nil }
        let arguments = [
            options.mountRoot.path, options.runtimeFolder.path.appending("parking"),
            locksFile(options), options.stateFolder.path, options.runtimeFolder.path,
        ]
        let pool = WorkerPool(
            WorkerProgram(
                path: program, arguments: arguments.map(\.string), environment: options.workerEnvironment),
            limit: options.operationDeadline, groups: helperGroups(options, logger))
        do throws(OperationFailure) {
            _ = try pool.detect("/", interrupt: nil)
        } catch {
            var failure = MountError.operation("work with", program, failed: error)
            failure.code = .unavailable
            failure.hint =
                "it is installed with holdfastd, and of the same build: see the setting 'worker', or --worker"
            throw failure
        }
        return pool
    }

    /// Where helper programs are kept together; nil, with a word in the log, on a host without control groups.
    private static func helperGroups(_ options: Options, _ logger: Logger) -> HelperGroups? {
        do throws(SystemCallError) {
            return try HelperGroups(named: Identifier.helpers(for: options.mountRoot.path), logger: logger)
        } catch {
            logger.warning(
                "types with a helper program cannot be mounted: there are no control groups (cgroup v2)",
                metadata: ["reason": "\(error)"])
            return nil
        }
    }

    private static func locksFile(_ options: Options) -> FilePath {
        options.runtimeFolder.path.appending("operations.lock")
    }

    /// The locks that workers take, this daemon's and those of earlier ones.
    static func openLocks(_ options: Options) throws(MountError) -> OperationLocks? {
        guard options.workerProgram != nil else { return nil }
        return try translating("use the operation locks") { () throws(SystemCallError) in
            try OperationLocks(at: locksFile(options))
        }
    }

    static func openLedger(_ options: Options, _ logger: Logger) throws(MountError) -> LedgerStart {
        return try LedgerStart(
            at: LedgerStart.Place(
                stateFolder: options.stateFolder.path, scratch: options.runtimeFolder.path.appending("ledger-copy"),
                copyFolder: options.runtimeFolder.path, beginsNew: options.beginsNewLedger, steps: options.ledgerSteps),
            logger: logger)
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

    /// The same for one of Holdfast's own mounts.
    static func preparing<Value: ~Copyable>(
        _ name: String, _ path: FilePath, _ body: () throws(SystemCallError) -> Value
    ) throws(MountError) -> Value {
        do throws(SystemCallError) {
            return try body()
        } catch {
            throw .covered(path, name, by: .current, failed: error)
        }
    }

    private static func failure(_ verb: String, _ error: SystemCallError) -> MountError {
        MountError(
            .unavailable, "cannot \(verb): \(error)",
            context: MountError.Context(
                operation: "start", systemCall: error.call, errno: error.errno.rawValue,
                kernelMessages: error.kernelMessages),
            hint: MountError.needsRoot(error))
    }
}
