// SPDX-License-Identifier: Apache-2.0

public import Filesystems
public import LinuxMount
public import MountModel
public import MountWorker
internal import NIOConcurrencyHelpers
internal import NIOPosix
public import SystemPackage

/// Carries out kernel operations on bounded pools of threads: what may hang by workers, if it is given some, and else,
/// as the rest, on its own threads.
///
/// A call that hangs keeps its thread, until its worker is killed; without one it cannot be. What looks at sources,
/// which may be on anything, has a pool of its own, so that a source that hangs keeps other sources waiting at worst,
/// and never the mounts that exist. Looks at sources whose type is not named have another one, so that builds keep
/// theirs.
public final class LinuxExecutor: MountExecutor {
    let root: ManagedRoot
    let parking: ParkingLot
    let catalog: FilesystemCatalog
    let steps: ExecutorSteps
    let operations: any KernelOperations
    /// Whether a look leaves as it is what it could put right: what a crash left parked, and a mount root that others
    /// have made shared.
    let isReadOnly: Bool
    /// What workers lock while they act; nil where there are none.
    let locks: OperationLocks?
    private let sourceThreads: NIOThreadPool
    private let tableThreads: NIOThreadPool
    private let lookThreads: NIOThreadPool
    private let probeThreads: NIOThreadPool
    let ladder: UnmountLadder
    /// The mounts that have left their mountpoints for good and are used by somebody still.
    let leftParked = NIOLockedValueBox<Set<KernelMountID>>([])
    /// How many sources whose type is not named are looked at at once.
    let lookLimit: Int
    /// The looks at them, by path.
    let looks: SharedLooks<String, Result<String?, MountError>>
    /// The looks for sources that others mount.
    let placeLooks = SharedLooks<MountSource, Result<[Mountpoint], MountError>>()
    /// Whether others had unmounted the parking lot, and nobody has been told yet.
    let isParkingRenewed = NIOLockedValueBox(false)
    /// The mounts that are built and not placed, by id, as the descriptors that hold them.
    let built = NIOLockedValueBox<[MountID: CInt]>([:])
    /// The mounts at which a worker is stuck that nobody waits for.
    let stuck = NIOLockedValueBox<[KernelMountID: StuckWorker]>([:])

    /// Starts the threads; `shutDown()` ends them.
    ///
    /// - Parameters:
    ///   - isReadOnly: whether looking changes nothing; if not, a look puts right what it finds.
    ///   - threads: how many builds may be under way at once, and how many operations on the mount table; a quarter as
    ///     many looks at sources whose type is not named.
    ///   - steps: told before each step that changes the kernel's state; for tests that stop there.
    ///   - ownFolders: which no mount may show, where it does what may hang itself.
    ///   - operations: does what may hang; on the threads of this process unless told.
    ///   - locks: those that its workers take, by which an earlier daemon's are seen too.
    ///   - ladder: how a mount is unmounted whose filesystem does not answer.
    public init(
        root: ManagedRoot, parking: ParkingLot, catalog: FilesystemCatalog = .standard, isReadOnly: Bool = false,
        threads: Int = 16, steps: ExecutorSteps = .none, ownFolders: [FilePath] = [],
        operations: (any KernelOperations)? = nil,
        locks: consuming OperationLocks? = nil, ladder: UnmountLadder = UnmountLadder()
    ) {
        self.root = root
        self.parking = parking
        self.catalog = catalog
        self.steps = steps
        self.operations =
            operations
            ?? MountOperations(root: root, parking: parking, ownFolders: ownFolders, reached: steps.reached)
        self.isReadOnly = isReadOnly
        self.ladder = ladder
        self.locks = locks
        sourceThreads = NIOThreadPool(numberOfThreads: threads)
        tableThreads = NIOThreadPool(numberOfThreads: threads)
        lookLimit = max(1, threads / 4)
        lookThreads = NIOThreadPool(numberOfThreads: lookLimit)
        looks = SharedLooks(limit: lookLimit)
        probeThreads = NIOThreadPool(numberOfThreads: Self.probesAtOnce)
        for pool in pools { pool.start() }
    }

    /// Ends the threads after what they are doing, and frees what was built and never placed.
    ///
    /// - Throws: what kept the threads from ending.
    public func shutDown() async throws {
        for pool in pools { try await pool.shutdownGracefully() }
        await releaseLate(built.withLockedValue { Array($0.keys) })
    }

    private var pools: [NIOThreadPool] { [sourceThreads, tableThreads, lookThreads, probeThreads] }

    /// How many filesystems are asked at once whether they are there.
    static let probesAtOnce = 8

    // MARK: - The operations

    public func inspect(_ mountpoint: Mountpoint, expecting id: MountID?) async -> OperationOutcome {
        await attempt(on: mountpoint, with: id) { () -> Attempt in
            do throws(SystemCallError) {
                if self.isExternal(mountpoint) { return .ended(try self.observeExternal(mountpoint, expecting: id)) }
                let outcome = try self.settleParked(id, at: try self.target(mountpoint))
                guard outcome.seen == .ours, let id else { return .ended(outcome) }
                return self.takeAwayIfDeserted(id, from: mountpoint) ?? .ended(outcome)
            } catch {
                return .ended(self.unobservable(id, problem: .operation("look at", mountpoint, failed: error)))
            }
        }
    }

    public func build(
        _ source: MountSource, for mountpoint: Mountpoint, secrets: [String: Secret]
    ) async throws(MountError) -> MountID {
        if catalog.isExternal(source.type) == true {
            return try await onThread(of: .table) { self.findExternal(source, at: mountpoint) }.flatMap { $0 }.get()
        }
        let recipe = try catalog.recipe(
            for: source, cache: Identifier.cache(of: source, at: mountpoint), secrets: secrets)
        let interrupt = OperationInterrupt()
        let result = await withTaskCancellationHandler {
            await onThread(of: .sources) { self.buildNow(recipe, source, for: mountpoint, interrupt) }
        } onCancel: {
            interrupt.raise()
        }
        switch try result.get() {
        case .success(let id): return id
        case .failure(let failure):
            await waitForEnd(after: failure)
            if failure == .ended, interrupt.isRaised {
                throw MountError(.cancelled, "nobody waits for \(source) at \(mountpoint) any more")
            }
            throw .mounting(source, failed: failure, in: catalog)
        }
    }

    private func buildNow(
        _ recipe: MountRecipe, _ source: MountSource, for mountpoint: Mountpoint, _ interrupt: OperationInterrupt
    ) -> Result<MountID, OperationFailure> {
        steps.reached(.build)
        // A worker that has to be started looks for it.
        _ = keepParking()
        do throws(OperationFailure) {
            let mount = try operations.build(recipe, lock: Identifier.lock(of: mountpoint), interrupt: interrupt)
            let id = MountID(rawValue: mount.id.rawValue)
            keepInHand(mount, as: id)
            steps.reached(.built)
            return .success(id)
        } catch {
            return .failure(error)
        }
    }

    public func place(_ id: MountID, at mountpoint: Mountpoint) async -> OperationOutcome {
        if isExternal(mountpoint) { return await inspect(mountpoint, expecting: id) }
        let outcome = await attempt(on: mountpoint, with: id) { self.placeNow(id, at: mountpoint) }
        // What was not attached may be its filesystem's last user, whose end a worker waits for.
        if built.withLockedValue({ $0[id] != nil }) { await close(id) }
        return outcome
    }

    public func removeFolder(at mountpoint: Mountpoint) async throws(MountError) {
        // Whose mount it is, his is the folder.
        if isExternal(mountpoint) { return }
        let result = await onThread(of: .table) { () -> MountError? in
            self.steps.reached(.removeFolder)
            do throws(SystemCallError) {
                try self.target(mountpoint).removeFolder()
                self.steps.reached(.folderRemoved)
                return nil
            } catch {
                return .operation("remove the folder of", mountpoint, failed: error)
            }
        }
        switch result {
        case .success(nil): return
        case .success(.some(let error)), .failure(let error): throw error
        }
    }

    public func examine(
        _ mountpoint: Mountpoint, expecting id: MountID?, of source: MountSource
    ) async -> Examination {
        let result = await onThread(of: .table) { () -> Examination in
            do throws(SystemCallError) {
                if self.isExternal(mountpoint) {
                    return try self.examineExternal(mountpoint, expecting: id, of: source)
                }
                return try self.examineTarget(try self.target(mountpoint), expecting: id, of: source)
            } catch {
                return Examination(.unknown, found: "it cannot be looked at: \(error)")
            }
        }
        switch result {
        case .success(let examination): return examination
        case .failure(let error): return Examination(.unknown, found: error.message)
        }
    }

    // MARK: - Threads

    /// Which of the pools a call belongs to.
    enum Pool { case sources, table, looks, probes }

    /// The worker's calls find the progress on the thread.
    func onThread<Value: Sendable>(
        of pool: Pool, _ body: @escaping @Sendable () -> Value
    ) async -> Result<Value, MountError> {
        let threads =
            switch pool {
            case .sources: sourceThreads
            case .table: tableThreads
            case .looks: lookThreads
            case .probes: probeThreads
            }
        let progress = OperationProgress.current
        do {
            let kernel = steps.kernel
            return .success(
                try await threads.runIfActive {
                    progress?.begin()
                    defer { progress?.end() }
                    return OperationProgress.$current.withValue(progress) { kernel.bound(body) }
                })
        } catch is CancellationError {
            return .failure(MountError(.cancelled, "the operation was cancelled before it began"))
        } catch {
            return .failure(MountError(.unavailable, "the executor has been shut down"))
        }
    }
}
