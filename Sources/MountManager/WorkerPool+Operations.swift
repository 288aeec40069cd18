// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
internal import Glibc
internal import LinuxMount
internal import MountModel
internal import MountWorker
internal import SystemPackage

extension WorkerPool {
    func build(
        _ recipe: MountRecipe, lock: OperationLock?, interrupt: OperationInterrupt?
    ) throws(OperationFailure) -> DetachedMount {
        if case .helper(let program) = recipe.medium {
            return try buildWithHelper(recipe, program, lock: lock, interrupt: interrupt)
        }
        return try build(recipe, in: nil, lock: lock, interrupt: interrupt)
    }

    private func build(
        _ recipe: MountRecipe, in group: ControlGroup?, lock: OperationLock?, interrupt: OperationInterrupt?
    ) throws(OperationFailure) -> DetachedMount {
        var answer = try call(WorkerOrder(.build(recipe, group: group?.path), lock: lock), interrupt: interrupt)
        guard case .built = answer.reply, let descriptor = answer.descriptor.take() else {
            throw failure(answer.reply)
        }
        do throws(SystemCallError) { return try DetachedMount(receiving: descriptor) } catch { throw .refused(error) }
    }

    /// In a control group of its own, which outlives the worker if it has mounted.
    private func buildWithHelper(
        _ recipe: MountRecipe, _ program: HelperProgram, lock: OperationLock?, interrupt: OperationInterrupt?
    ) throws(OperationFailure) -> DetachedMount {
        guard let groups else {
            if program.kernel != nil { return try build(recipe, in: nil, lock: lock, interrupt: interrupt) }
            throw .refused(SystemCallError("mkdir", .notSupported, on: "cgroup2 (helper programs need control groups)"))
        }
        if let cache = program.cache { try wait(for: cache, in: groups, interrupt) }
        let group: ControlGroup
        do throws(SystemCallError) { group = try groups.begin(cache: program.cache) } catch { throw .refused(error) }
        var id: KernelMountID?
        // A worker that waits for the filesystem which the program serves is freed by the program's end.
        defer { groups.end(group, serving: id, needsProcess: recipe.isFuse) }
        let mount = try build(recipe, in: group, lock: lock, interrupt: interrupt)
        id = mount.id
        return mount
    }

    /// How long the program of an earlier mount is waited for. rclone ended 2 to 13 ms after its unmount where nothing
    /// was left to be sent, and else takes as long as its server.
    private static let patience = Duration.seconds(5)

    /// Waits until no program has the folder any more: an earlier mount's may be bringing its files to the server.
    ///
    /// - Throws: `cacheInUse` where it does not end.
    private func wait(
        for cache: FilePath, in groups: HelperGroups, _ interrupt: OperationInterrupt?
    ) throws(OperationFailure) {
        let deadline = ContinuousClock.now + Self.patience
        var pauses = Backoff(first: .milliseconds(20), limit: .milliseconds(250))
        while true {
            let processes: [Int32]
            do throws(SystemCallError) {
                guard let user = try groups.user(ofCache: cache) else { return }
                guard interrupt?.isRaised == true || .now >= deadline else {
                    // The kernel tells of its end, but not of a cancellation; one who waits for it has time.
                    usleep(UInt32(pauses.pause(after: .failure) / .microseconds(1)))
                    continue
                }
                processes = try user.processes()
            } catch {
                // Its group has gone in between.
                if [.noSuchFileOrDirectory, .operationNotSupportedByDevice].contains(error.errno) { continue }
                throw .refused(error)
            }
            throw .cacheInUse(by: processes)
        }
    }

    func unmount(
        _ id: KernelMountID, from relative: FilePath, by means: UnmountMeans, lock: OperationLock?
    ) throws(OperationFailure) -> UnmountOutcome {
        let answer = try call(WorkerOrder(.unmount(id, from: relative, by: means), lock: lock))
        guard case .unmounted(let outcome) = answer.reply else { throw failure(answer.reply) }
        return outcome
    }

    func endParked(_ id: KernelMountID, interrupt: OperationInterrupt?) throws(OperationFailure) -> UnmountOutcome {
        let answer = try call(WorkerOrder(.endParked(id), lock: nil), interrupt: interrupt)
        guard case .unmounted(let outcome) = answer.reply else { throw failure(answer.reply) }
        return outcome
    }

    func probe(
        _ id: KernelMountID, at relative: FilePath, within limit: Duration, interrupt: OperationInterrupt?
    ) throws(OperationFailure) {
        let answer = try call(
            WorkerOrder(.probe(id, at: relative), lock: nil), interrupt: interrupt, within: limit)
        guard case .probed = answer.reply else { throw failure(answer.reply) }
    }

    func isDeserted(_ id: KernelMountID) -> Bool { groups?.isDeserted(id) ?? false }

    func endHelpers(of id: KernelMountID) { groups?.kill(serving: id) }

    func watchDeserted(_ notify: @escaping @Sendable (KernelMountID) async -> Void) async {
        await groups?.watchDeserted(notify)
    }

    func makeWritable(
        _ id: KernelMountID, at relative: FilePath, lock: OperationLock?
    ) throws(OperationFailure) {
        let answer = try call(WorkerOrder(.makeWritable(id, at: relative), lock: lock))
        guard case .madeWritable = answer.reply else { throw failure(answer.reply) }
    }

    func close(_ mount: consuming OwnedDescriptor) throws(OperationFailure) {
        let answer = try call(WorkerOrder(.close, lock: nil), with: mount)
        guard case .closed = answer.reply else { throw failure(answer.reply) }
    }

    func detect(_ path: FilePath, interrupt: OperationInterrupt?) throws(OperationFailure) -> String? {
        let answer = try call(WorkerOrder(.detect(path), lock: nil), interrupt: interrupt)
        guard case .detected(let name) = answer.reply else { throw failure(answer.reply) }
        return name
    }

    /// An answer to another question is no answer.
    private func failure(_ reply: WorkerReply) -> OperationFailure {
        switch reply {
        case .failed(let error): .refused(error)
        case .ownFolder(let shown): .ownFolder(shown)
        case .helperFailed(let failure): .helper(failure)
        default: .ended
        }
    }
}
