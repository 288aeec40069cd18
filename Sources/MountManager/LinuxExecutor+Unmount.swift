// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
public import MountModel
internal import MountWorker
internal import NIOConcurrencyHelpers
internal import SystemPackage

extension LinuxExecutor {
    public func unmount(_ id: MountID, from mountpoint: Mountpoint, rung: Int) async -> OperationOutcome {
        await attempt(on: mountpoint, with: id) { self.unmountNow(id, from: mountpoint, rung: rung) }
    }

    private func unmountNow(_ id: MountID, from mountpoint: Mountpoint, rung: Int) -> Attempt {
        let kernelID = KernelMountID(rawValue: id.rawValue)
        // Before the mount has left the table.
        let connection = fuseConnection(of: kernelID)
        steps.reached(.unmount)
        let result = unmountNow(kernelID, from: mountpoint, by: ladder.means(ofRung: rung))
        if case .success = result { steps.reached(.unmounted) }
        if case .failure(.unanswered(.stuck(let worker))) = result {
            // It waits for the process that serves the mount, which nobody uses any more.
            if let connection { abort(connection) }
            return .goesOn(worker) { self.outcome(of: result, rung: rung, id, at: mountpoint) }
        }
        return .ended(outcome(of: result, rung: rung, id, at: mountpoint))
    }

    private enum UnmountFailure: Error {
        case refused(MountError)
        case unanswered(OperationFailure)
    }

    private func unmountNow(
        _ id: KernelMountID, from mountpoint: Mountpoint, by means: UnmountMeans
    ) -> Result<UnmountOutcome, UnmountFailure> {
        let relative: FilePath
        do throws(SystemCallError) { relative = try target(mountpoint).relative } catch {
            return .failure(.refused(.operation("unmount", mountpoint, failed: error)))
        }
        if let problem = keepParking() { return .failure(.refused(problem)) }
        do throws(OperationFailure) {
            return .success(
                try operations.unmount(id, from: relative, by: means, lock: Identifier.lock(of: mountpoint)))
        } catch {
            return .failure(.unanswered(error))
        }
    }

    private func outcome(
        of result: Result<UnmountOutcome, UnmountFailure>, rung: Int, _ id: MountID, at mountpoint: Mountpoint
    ) -> OperationOutcome {
        let kernelID = KernelMountID(rawValue: id.rawValue)
        let means = ladder.means(ofRung: rung)
        // Only now: what is looked after there before it has arrived would lose its slot.
        if means == .park, isInSlot(kernelID) { leftParked.withLockedValue { _ = $0.insert(kernelID) } }
        var outcome = observe(id, at: mountpoint)
        // What it had to write is lost already, and its connection to a dead server may outlive it. Not before it has
        // left: a mount without its process is taken away, whoever uses it.
        if means != .exactly, outcome.seen == .empty { operations.endHelpers(of: kernelID) }
        switch result {
        case .success(.unmounted), .success(.absent): break
        case .success(.parked) where isLeftParked(kernelID): break
        case .success(.busy), .success(.parked):
            outcome.problem = .busy(mountpoint)
            guard outcome.seen == .ours, let silence = silence(of: kernelID, at: mountpoint, afterRung: rung) else {
                break
            }
            outcome.problem = .silent(mountpoint, silence, next: rung + 1 < ladder.rungs ? rung + 1 : nil, of: ladder)
            outcome.hungRung = rung
        case .success(.foreign(let other)): return .foreign(other, at: mountpoint, seen: outcome.seen)
        case .failure(.refused(let problem)): outcome.problem = problem
        case .failure(.unanswered(let failure)):
            outcome.problem = .operation("unmount", mountpoint, failed: failure)
            if failure.isLate { outcome.hungRung = rung }
        }
        return outcome
    }

    private func isInSlot(_ id: KernelMountID) -> Bool {
        // Where it cannot be told, it is put back, and the ladder begins again.
        do throws(SystemCallError) { return try parking.contains(id) } catch { return false }
    }

    /// In which way the filesystem is not there for those who use it, nor will be when they have left; nil where it is.
    ///
    /// - Parameter rung: all but the first are for filesystems that were silent, and one that cannot be asked is as it
    ///   was.
    private func silence(of id: KernelMountID, at mountpoint: Mountpoint, afterRung rung: Int) -> String? {
        do throws(OperationFailure) {
            try ask(id, at: mountpoint, within: ladder.patience, interrupt: nil)
            return nil
        } catch {
            switch error {
            case .late, .stuck: return "has not answered within \(ladder.patience.formattedSeconds)"
            case .refused(let refusal):
                guard refusal.errno.isOfLostServer else { return nil }
                return "answers \(refusal.errno) only"
            case .tooManyStuck: return rung > 0 ? "did not answer when it was last asked" : nil
            case .ownFolder, .helper, .ended, .cacheInUse: return nil
            }
        }
    }

    func fuseDevice(of id: KernelMountID) -> DeviceNumber? {
        do throws(SystemCallError) {
            return try root.table.entry(id).flatMap { $0.isFuse ? $0.device : nil }
        } catch {
            return nil
        }
    }

    /// The connection to the process that serves the mount, where there is one and it may be ended; nil where it cannot
    /// be opened: a worker that is stuck stays so, as it is without it.
    private func fuseConnection(of id: KernelMountID) -> FuseConnection? {
        guard ladder.policy != .wait, let device = fuseDevice(of: id) else { return nil }
        do throws(SystemCallError) { return try FuseConnection.open(device: device) } catch { return nil }
    }

    private func abort(_ connection: borrowing FuseConnection) {
        do throws(SystemCallError) { try connection.abort() } catch { return }
    }

    // MARK: - Mounts that were parked

    func isLeftParked(_ id: KernelMountID) -> Bool { leftParked.withLockedValue { $0.contains(id) } }

    public func endParked() async {
        let interrupt = OperationInterrupt()
        await withTaskCancellationHandler {
            for id in leftParked.withLockedValue({ $0.sorted() })
            where stuckWorker(at: id) == nil && !interrupt.isRaised {
                _ = await onThread(of: .probes) { self.endParkedNow(id, interrupt) }
            }
        } onCancel: {
            interrupt.raise()
        }
    }

    private func endParkedNow(_ id: KernelMountID, _ interrupt: OperationInterrupt) {
        do throws(OperationFailure) {
            switch try operations.endParked(id, interrupt: interrupt) {
            case .unmounted, .absent:
                leftParked.withLockedValue { _ = $0.remove(id) }
                operations.endHelpers(of: id)
            case .busy, .foreign, .parked: break
            }
        } catch {
            // What cannot be ended now is tried again, if nobody is about it still.
            noteStuck(after: error, at: id)
        }
    }

    /// Takes over what an earlier process has left parked, but for these, which have a record.
    ///
    /// - Returns: why it could not: they stay where they are until the next start.
    func adoptParked(except recorded: Set<MountID>) async -> MountError? {
        let result = await onThread(of: .table) { () -> MountError? in
            do throws(SystemCallError) {
                let ids = try self.parking.slots().filter { !recorded.contains(MountID(rawValue: $0.rawValue)) }
                self.leftParked.withLockedValue { $0.formUnion(ids) }
                return nil
            } catch {
                return .operation("look at what is parked in", self.parking.path, failed: error)
            }
        }
        switch result {
        case .success(let problem): return problem
        case .failure(let error): return error
        }
    }
}

extension OperationFailure {
    /// Whether it has taken all its time.
    var isLate: Bool {
        switch self {
        case .late, .stuck: true
        case .refused, .ownFolder, .helper, .ended, .tooManyStuck, .cacheInUse: false
        }
    }
}

extension Errno {
    /// Whether it says that whoever serves the filesystem is gone, and what uses it will get no other answer.
    var isOfLostServer: Bool { self == .socketNotConnected || self == .connectionAbort || self == .staleNFSFileHandle }
}
