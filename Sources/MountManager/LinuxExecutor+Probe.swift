// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
public import MountModel
internal import MountWorker
internal import SystemPackage

extension LinuxExecutor {
    public func probe(_ id: MountID, at mountpoint: Mountpoint, within limit: Duration) async -> ProbeResult {
        let interrupt = OperationInterrupt()
        let result = await withTaskCancellationHandler {
            await onThread(of: .probes) { () -> OperationFailure? in
                do throws(OperationFailure) {
                    try self.ask(
                        KernelMountID(rawValue: id.rawValue), at: mountpoint, within: limit, interrupt: interrupt)
                    return nil
                } catch {
                    return error
                }
            }
        } onCancel: {
            interrupt.raise()
        }
        switch result {
        case .success(nil): return ProbeResult(.answered)
        case .success(.refused(let error)):
            return ProbeResult(.refused(.operation("ask the filesystem at", mountpoint, failed: error)))
        case .success(.late): return ProbeResult(.silent)
        case .success(.stuck(let worker)): return ProbeResult(.silent, rest: worker.end)
        case .success(.ended), .success(.tooManyStuck), .success(.cacheInUse), .success(.ownFolder),
            .success(.helper), .failure:
            return ProbeResult(.unknown)
        }
    }

    /// Blocks the thread. Where a worker has asked in vain and cannot be ended, no other one asks.
    func ask(
        _ id: KernelMountID, at mountpoint: Mountpoint, within limit: Duration, interrupt: OperationInterrupt?
    ) throws(OperationFailure) {
        if let asking = stuckWorker(at: id) { throw .stuck(asking) }
        do throws(OperationFailure) {
            try operations.probe(id, at: try relative(mountpoint), within: limit, interrupt: interrupt)
        } catch {
            noteStuck(after: error, at: id)
            throw error
        }
    }

    public func watchDeserted(_ notify: @escaping @Sendable (MountID) async -> Void) async {
        await operations.watchDeserted { await notify(MountID(rawValue: $0.rawValue)) }
    }

    /// Takes a mount away whose process is no more, by its own word and by the kernel's: nobody can use it, and a new
    /// one is to take its place.
    ///
    /// - Returns: what is there afterwards; nil where it is served, or must not be touched.
    func takeAwayIfDeserted(_ id: MountID, from mountpoint: Mountpoint) -> Attempt? {
        let kernelID = KernelMountID(rawValue: id.rawValue)
        // The kernel's own filesystems need no process, whoever has mounted them.
        guard !isReadOnly, operations.isDeserted(kernelID), fuseDevice(of: kernelID) != nil else { return nil }
        do throws(OperationFailure) {
            try ask(kernelID, at: mountpoint, within: ladder.patience, interrupt: nil)
            return nil
        } catch {
            guard case .refused(let refusal) = error, refusal.errno.isOfLostServer else { return nil }
        }
        steps.reached(.unmount)
        do throws(OperationFailure) {
            _ = try operations.unmount(
                kernelID, from: try relative(mountpoint), by: .detach, lock: Identifier.lock(of: mountpoint))
            steps.reached(.unmounted)
        } catch {
            let problem = MountError.operation("take away", mountpoint, failed: error)
            let look: @Sendable () -> OperationOutcome = {
                var outcome = self.observe(id, at: mountpoint)
                outcome.problem = problem
                return outcome
            }
            if case .stuck(let worker) = error { return .goesOn(worker, afterwards: look) }
            return .ended(look())
        }
        return .ended(takenAway(id, from: mountpoint))
    }

    private func takenAway(_ id: MountID, from mountpoint: Mountpoint) -> OperationOutcome {
        var outcome = observe(id, at: mountpoint)
        let isThere = outcome.seen == .ours
        outcome.problem = MountError(
            .unavailable,
            "the process that served \(mountpoint) has ended"
                + (isThere ? ", and its mount cannot be taken away" : ", and its mount is taken away"),
            context: MountError.Context(operation: "inspect", target: mountpoint.description),
            hint: isThere
                ? "others have mounted within it, or made the mount root shared: undo that"
                : "files that were open on it fail with ENOTCONN until they are opened again; find out what ended it")
        return outcome
    }

    private func relative(_ mountpoint: Mountpoint) throws(OperationFailure) -> FilePath {
        do throws(SystemCallError) { return try target(mountpoint).relative } catch { throw .refused(error) }
    }
}
