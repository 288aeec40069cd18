// SPDX-License-Identifier: Apache-2.0

public import Filesystems
public import LinuxMount
public import SystemPackage

/// The operations that may hang, wherever they are done: in this process, or in workers. All of them block the thread.
public protocol KernelOperations: Sendable {
    /// Builds the mount detached.
    func build(
        _ recipe: MountRecipe, lock: OperationLock?, interrupt: OperationInterrupt?
    ) throws(OperationFailure) -> DetachedMount

    /// Unmounts this mount, and nothing else, from its place beneath the mount root.
    func unmount(
        _ id: KernelMountID, from relative: FilePath, by means: UnmountMeans, lock: OperationLock?
    ) throws(OperationFailure) -> UnmountOutcome

    /// Unmounts this mount in its parking slot, if nobody uses it.
    func endParked(_ id: KernelMountID, interrupt: OperationInterrupt?) throws(OperationFailure) -> UnmountOutcome

    /// Asks the filesystem of this mount whether it is there; returns also where the mount is not on top any more.
    ///
    /// - Parameter limit: how long it may take, where it is done by a worker.
    func probe(
        _ id: KernelMountID, at relative: FilePath, within limit: Duration, interrupt: OperationInterrupt?
    ) throws(OperationFailure)

    /// Makes the filesystem of this mount writable again, if the mount is on top at its place beneath the mount root.
    func makeWritable(_ id: KernelMountID, at relative: FilePath, lock: OperationLock?) throws(OperationFailure)

    /// Closes the descriptor of a mount that was never placed, which frees everything behind it. After an error it is
    /// closed all the same.
    func close(_ mount: consuming OwnedDescriptor) throws(OperationFailure)

    /// What is at the path: `folder`, or a filesystem's name.
    func detect(_ path: FilePath, interrupt: OperationInterrupt?) throws(OperationFailure) -> String?

    /// Whether a helper program has built this mount and none of its processes lives any more: nobody serves it.
    func isDeserted(_ id: KernelMountID) -> Bool

    /// Ends what is left of the helper program that has built this mount, which is no more.
    func endHelpers(of id: KernelMountID)

    /// Calls `notify` with each mount that may be deserted from now on, until the task is cancelled.
    func watchDeserted(_ notify: @escaping @Sendable (KernelMountID) async -> Void) async
}

extension KernelOperations {
    /// No: without workers there are no helper programs.
    public func isDeserted(_ id: KernelMountID) -> Bool { false }

    /// There are none.
    public func endHelpers(of id: KernelMountID) {}

    /// There is nothing to tell.
    public func watchDeserted(_ notify: @escaping @Sendable (KernelMountID) async -> Void) async {}
}

/// Why an operation has no answer.
public enum OperationFailure: Error, Hashable, Sendable {
    /// The kernel refused.
    case refused(SystemCallError)
    /// A mount would show a folder of Holdfast's own.
    case ownFolder(OwnFolders.Shown)
    /// A helper program failed.
    case helper(HelperFailure)
    /// It took longer than it may; its worker was killed and has ended.
    case late(Duration)
    /// The same, and its worker, which was killed, has not ended.
    case stuck(StuckWorker)
    /// Its worker ended in the middle of it.
    case ended
    /// It was not begun: these processes, of an earlier mount's program, still have the cache.
    case cacheInUse(by: [Int32])
    /// It was not begun: so many workers cannot be killed.
    case tooManyStuck(Int)
}

/// A worker that was killed and has not ended: until it does, what it was about may still happen.
public final class StuckWorker: Hashable, Sendable {
    /// How long its operation might have taken.
    public let limit: Duration
    /// Ends with it.
    public let end: Task<Void, Never>

    /// Joins the two.
    public init(limit: Duration, end: Task<Void, Never>) {
        self.limit = limit
        self.end = end
    }

    public static func == (left: StuckWorker, right: StuckWorker) -> Bool { left === right }

    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

extension MountOperations: KernelOperations {
    public func build(
        _ recipe: MountRecipe, lock: OperationLock?, interrupt: OperationInterrupt?
    ) throws(OperationFailure) -> DetachedMount {
        let outcome: BuildOutcome
        do throws(SystemCallError) { outcome = try build(recipe) } catch { throw .refused(error) }
        switch consume outcome {
        case .built(let mount): return mount
        case .ownFolder(let shown): throw .ownFolder(shown)
        }
    }

    public func unmount(
        _ id: KernelMountID, from relative: FilePath, by means: UnmountMeans, lock: OperationLock?
    ) throws(OperationFailure) -> UnmountOutcome {
        do throws(SystemCallError) { return try unmount(id, from: relative, by: means) } catch { throw .refused(error) }
    }

    public func endParked(
        _ id: KernelMountID, interrupt: OperationInterrupt?
    ) throws(OperationFailure) -> UnmountOutcome {
        do throws(SystemCallError) { return try finishParked(id) } catch { throw .refused(error) }
    }

    public func probe(
        _ id: KernelMountID, at relative: FilePath, within limit: Duration, interrupt: OperationInterrupt?
    ) throws(OperationFailure) {
        do throws(SystemCallError) { try askFilesystem(of: id, at: relative) } catch { throw .refused(error) }
    }

    public func makeWritable(
        _ id: KernelMountID, at relative: FilePath, lock: OperationLock?
    ) throws(OperationFailure) {
        do throws(SystemCallError) { try makeFilesystemWritable(id, at: relative) } catch { throw .refused(error) }
    }

    public func close(_ mount: consuming OwnedDescriptor) throws(OperationFailure) {
        do throws(SystemCallError) { try mount.close() } catch { throw .refused(error) }
    }

    public func detect(
        _ path: FilePath, interrupt: OperationInterrupt?
    ) throws(OperationFailure) -> String? {
        do throws(SystemCallError) { return try identify(path) } catch { throw .refused(error) }
    }
}
