// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
public import MountModel
internal import MountWorker
internal import NIOConcurrencyHelpers
internal import SystemPackage

extension LinuxExecutor {
    public func unmount(_ id: MountID, from mountpoint: Mountpoint, rung: Int) async -> OperationOutcome {
        let kernelID = KernelMountID(rawValue: id.rawValue)
        let means = ladder.means(ofRung: rung)
        let attempt = await onThread(of: .table) { () -> Attempt in
            // Before the mount has left the table.
            let device = self.fuseDevice(of: kernelID)
            self.steps.reached(.unmount)
            let result = self.unmountNow(kernelID, from: mountpoint, by: means)
            if case .success = result { self.steps.reached(.unmounted) }
            if case .failure(.unanswered(.stuck(let worker))) = result { return .stuck(worker, device) }
            return .ended(self.outcome(of: result, by: means, id, at: mountpoint))
        }
        switch attempt {
        case .success(.ended(let outcome)): return outcome
        case .success(.stuck(let worker, let device)):
            // It waits for the process that serves the mount, which nobody uses any more.
            if let device { _ = await onThread(of: .table) { self.abort(device) } }
            await waitForEnd(after: .stuck(worker))
            return await operate(on: mountpoint, with: id) {
                self.outcome(of: .failure(.unanswered(.stuck(worker))), by: means, id, at: mountpoint)
            }
        case .failure(let error):
            return await operate(on: mountpoint, with: id) {
                OperationOutcome(self.observe(id, at: mountpoint).seen, problem: error)
            }
        }
    }

    private enum Attempt {
        case ended(OperationOutcome)
        /// With the filesystem's device, where a process serves it.
        case stuck(StuckWorker, DeviceNumber?)
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
        // Before it can be seen there.
        if means == .park { leftParked.withLockedValue { _ = $0.insert(id) } }
        do throws(OperationFailure) {
            return .success(
                try operations.unmount(id, from: relative, by: means, lock: Identifier.lock(of: mountpoint)))
        } catch {
            return .failure(.unanswered(error))
        }
    }

    private func outcome(
        of result: Result<UnmountOutcome, UnmountFailure>, by means: UnmountMeans, _ id: MountID,
        at mountpoint: Mountpoint
    ) -> OperationOutcome {
        let kernelID = KernelMountID(rawValue: id.rawValue)
        var outcome = observe(id, at: mountpoint)
        if outcome.seen == .ours { leftParked.withLockedValue { _ = $0.remove(kernelID) } }
        // What it had to write is lost already, and its connection to a dead server may outlive it.
        if means == .force, outcome.seen == .empty { operations.endHelpers(of: kernelID) }
        switch result {
        case .success(.unmounted), .success(.absent): break
        case .success(.parked) where isLeftParked(kernelID): break
        case .success(.busy), .success(.parked):
            outcome.problem = .busy(mountpoint)
            outcome.isHung = outcome.seen == .ours && !isAnswering(kernelID, at: mountpoint)
        case .success(.foreign(let other)): return .foreign(other, at: mountpoint, seen: outcome.seen)
        case .failure(.refused(let problem)): outcome.problem = problem
        case .failure(.unanswered(let failure)):
            outcome.problem = .operation("unmount", mountpoint, failed: failure)
            outcome.isHung = failure.isLate
        }
        return outcome
    }

    /// Whether the filesystem is there for those who use it, and will be when they have left.
    private func isAnswering(_ id: KernelMountID, at mountpoint: Mountpoint) -> Bool {
        do throws(OperationFailure) {
            try ask(id, at: mountpoint, within: ladder.patience, interrupt: nil)
            return true
        } catch {
            switch error {
            case .late, .stuck: return false
            case .refused(let refusal): return !refusal.errno.isOfLostServer
            case .ownFolder, .helper, .ended: return true
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

    private func abort(_ device: DeviceNumber) {
        // Where it cannot be, the worker stays stuck, as it is without it.
        do throws(SystemCallError) { _ = try FuseConnection.abort(device: device) } catch { return }
    }

    // MARK: - Mounts that were parked

    func isLeftParked(_ id: KernelMountID) -> Bool { leftParked.withLockedValue { $0.contains(id) } }

    public func endParked() async {
        for id in leftParked.withLockedValue({ $0.sorted() }) {
            let result = await onThread(of: .probes) { () -> Result<UnmountOutcome, OperationFailure> in
                do throws(OperationFailure) {
                    return .success(try self.operations.endParked(id))
                } catch {
                    return .failure(error)
                }
            }
            switch result {
            case .success(.success(.unmounted)), .success(.success(.absent)):
                leftParked.withLockedValue { _ = $0.remove(id) }
            case .success(.failure(let failure)): await waitForEnd(after: failure)
            case .success(.success), .failure: break
            }
        }
    }

    /// Takes over what an earlier process has left parked, but for these, which have a record.
    func adoptParked(except recorded: Set<MountID>) async {
        _ = await onThread(of: .table) {
            do throws(SystemCallError) {
                let ids = try self.parking.slots().filter { !recorded.contains(MountID(rawValue: $0.rawValue)) }
                self.leftParked.withLockedValue { $0.formUnion(ids) }
            } catch {
                // They stay where they are until the next start.
            }
        }
    }
}

extension OperationFailure {
    /// Whether it has taken all its time.
    var isLate: Bool {
        switch self {
        case .late, .stuck: true
        case .refused, .ownFolder, .helper, .ended: false
        }
    }
}

extension Errno {
    /// Whether it says that whoever serves the filesystem is gone, and what uses it will get no other answer.
    var isOfLostServer: Bool { self == .socketNotConnected || self == .connectionAbort || self == .staleNFSFileHandle }
}
