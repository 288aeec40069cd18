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

    /// Unmounts exactly this mount from its place beneath the mount root.
    func unmount(
        _ id: KernelMountID, from relative: FilePath, lock: OperationLock?
    ) throws(OperationFailure) -> UnmountOutcome

    /// Makes the filesystem of this mount writable again, if the mount is on top at its place beneath the mount root.
    func makeWritable(_ id: KernelMountID, at relative: FilePath, lock: OperationLock?) throws(OperationFailure)

    /// Closes the descriptor of a mount that was never placed, which frees everything behind it. After an error it is
    /// closed all the same.
    func close(_ mount: consuming OwnedDescriptor) throws(OperationFailure)

    /// What is at the path: `folder`, or a filesystem's name.
    func detect(_ path: FilePath, interrupt: OperationInterrupt?) throws(OperationFailure) -> String?
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
    /// Its worker ended in the middle of it.
    case ended
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
        _ id: KernelMountID, from relative: FilePath, lock: OperationLock?
    ) throws(OperationFailure) -> UnmountOutcome {
        do throws(SystemCallError) { return try unmount(id, from: relative) } catch { throw .refused(error) }
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
