// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
internal import LinuxMount
internal import MountModel
internal import MountWorker
internal import NIOConcurrencyHelpers
internal import SystemPackage

extension LinuxExecutor {
    /// The mountpoint as a path beneath the managed root, as long as that is where its path leads.
    func target(_ mountpoint: Mountpoint) throws(SystemCallError) -> TargetPath {
        guard try root.isVisible() else {
            throw SystemCallError(
                "statx", .improperLink,
                on: "\(root.path) (something is mounted over the mount root, or it was unmounted)")
        }
        var relative = mountpoint.path
        guard relative.removePrefix(root.path) else {
            throw SystemCallError("openat2", .improperLink, on: "\(mountpoint) is not beneath \(root.path)")
        }
        return try root.target(relative)
    }

    /// Places the mount in hand; where it is not attached, it stays there.
    func placeNow(_ id: MountID, at mountpoint: Mountpoint) -> Attempt {
        guard built.withLockedValue({ $0[id] != nil }) else {
            return .ended(
                OperationOutcome(
                    .empty, problem: MountError(.internal, "the mount \(id) for \(mountpoint) is not in hand")))
        }
        do throws(SystemCallError) {
            let (placed, stuck) = try placeMount(id, at: mountpoint)
            guard let stuck else { return .ended(outcome(of: placed, id, at: mountpoint)) }
            return .goesOn(stuck) { self.outcome(of: placed, id, at: mountpoint) }
        } catch {
            return .ended(notPlaced(id, at: mountpoint, error))
        }
    }

    private func outcome(of placed: PlaceOutcome, _ id: MountID, at mountpoint: Mountpoint) -> OperationOutcome {
        let outcome = observe(id, at: mountpoint)
        switch placed {
        case .placed: return outcome
        case .foreign(let other): return .foreign(other, at: mountpoint, seen: outcome.seen)
        case .unverified(let error):
            return OperationOutcome(
                outcome.seen, problem: .operation("verify the mount at", mountpoint, failed: error))
        }
    }

    /// Prepares the folder and attaches the mount.
    ///
    /// - Returns: also the worker that takes it away again from others', where that is stuck.
    private func placeMount(
        _ id: MountID, at mountpoint: Mountpoint
    ) throws(SystemCallError) -> (PlaceOutcome, StuckWorker?) {
        let target = try target(mountpoint)
        steps.reached(.place)
        _ = try target.prepareFolder()
        steps.reached(.folderReady)
        if let other = try attachInHand(id, at: target) { return (.foreign(other), nil) }
        var stuck: StuckWorker?
        let outcome = try target.settle(attached: KernelMountID(rawValue: id.rawValue)) {
            do throws(OperationFailure) {
                _ = try operations.unmount(
                    KernelMountID(rawValue: id.rawValue), from: target.relative, by: .exactly,
                    lock: Identifier.lock(of: mountpoint))
            } catch {
                // The look that follows shows it.
                if case .stuck(let worker) = error { stuck = worker }
            }
        }
        steps.reached(.placed)
        return (outcome, stuck)
    }

    /// What is at the mountpoint after an operation.
    func observe(_ id: MountID, at mountpoint: Mountpoint) -> OperationOutcome {
        do throws(SystemCallError) {
            return OperationOutcome(try settled(id, at: try target(mountpoint)).seen)
        } catch {
            return unobservable(id, problem: .operation("look at", mountpoint, failed: error))
        }
    }

    /// The mount was not placed, or it cannot be told whether it was.
    func notPlaced(_ id: MountID, at mountpoint: Mountpoint, _ error: SystemCallError) -> OperationOutcome {
        let problem = MountError.operation("place a mount at", mountpoint, failed: error)
        do throws(SystemCallError) {
            let outcome = try settled(id, at: try target(mountpoint))
            // What is mounted there refused the folder: whose it is says more than EBUSY.
            if outcome.seen == .foreign, error.errno == .resourceBusy { return outcome }
            return OperationOutcome(outcome.seen, problem: problem)
        } catch {
            let outcome = unobservable(id, problem: problem)
            // Nothing of ours is anywhere: whose the place is does not matter to a mount that failed.
            return outcome.seen == .foreign ? OperationOutcome(.empty, problem: problem) : outcome
        }
    }

    /// The way to the mountpoint cannot be walked: whether our mount still exists is asked of the table, by its id. If
    /// it may, it counts as covered, which keeps its record and tries again; else the place is somebody else's.
    func unobservable(_ id: MountID?, problem: MountError) -> OperationOutcome {
        guard let id else { return OperationOutcome(.foreign, problem: problem) }
        do throws(SystemCallError) {
            let entry = try root.table.entry(KernelMountID(rawValue: id.rawValue))
            return OperationOutcome(entry == nil ? .foreign : .covered, problem: problem)
        } catch {
            return OperationOutcome(.covered, problem: problem)
        }
    }

    /// What is at the target, relative to the mount, and why that is not as it should be.
    private func settled(_ id: MountID, at target: TargetPath) throws(SystemCallError) -> OperationOutcome {
        let kernelID = KernelMountID(rawValue: id.rawValue)
        return outcome(of: try target.observe(expecting: kernelID, parking: parking), kernelID, at: target)
    }

    /// What an observation means to the state machine.
    private func outcome(
        of observation: LinuxMount.Observation, _ id: KernelMountID?, at target: TargetPath
    ) -> OperationOutcome {
        switch observation.summary {
        case .empty: OperationOutcome(.empty)
        case .ours: OperationOutcome(.ours)
        case .covered: .covered(target.path)
        // It has left for good.
        case .parked where id.map(isLeftParked) == true:
            if case .mount = observation.top {
                .foreign(observation, at: target.path)
            } else {
                OperationOutcome(.empty)
            }
        // Where somebody has taken its place, that is what keeps it in its slot.
        case .parked: if case .mount = observation.top { .covered(target.path) } else { .parked(target.path) }
        case .moved: .moved(observation, from: target.path)
        case .foreign: .foreign(observation, at: target.path)
        }
    }

    /// Observes, after putting back what a crash between parking and unmounting has left in its slot, if it may.
    ///
    /// Back rather than ended: whether anybody still needs it is the state machine's to say.
    func settleParked(_ id: MountID?, at target: TargetPath) throws(SystemCallError) -> OperationOutcome {
        let kernelID = id.map { KernelMountID(rawValue: $0.rawValue) }
        var observation = try target.observe(expecting: kernelID, parking: parking)
        if !isReadOnly, observation.summary == .parked, let kernelID, !isLeftParked(kernelID) {
            _ = try parking.moveBack(kernelID, to: target)
            observation = try target.observe(expecting: kernelID, parking: parking)
        }
        return outcome(of: observation, kernelID, at: target)
    }

    /// The mountpoints' folders beneath the root, with and without a mount; none where they cannot be read.
    func preparedFolders() async -> [Mountpoint] {
        let result = await onThread(of: .table) { () -> [Mountpoint] in
            do throws(SystemCallError) {
                // A name that no mountpoint can have is not one of ours.
                return try self.root.preparedFolders().compactMap {
                    try? Mountpoint(self.root.path.appending($0.components).string)
                }
            } catch {
                return []
            }
        }
        return (try? result.get()) ?? []
    }

    /// Compares the topmost mount with what the source asks for.
    func examineTarget(
        _ target: TargetPath, expecting id: MountID?, of source: MountSource
    ) throws(SystemCallError) -> Examination {
        let kernelID = id.map { KernelMountID(rawValue: $0.rawValue) }
        let observation = try target.observe(expecting: kernelID, parking: parking)
        guard observation.summary == .ours, let kernelID, let entry = try root.table.entry(kernelID) else {
            return try examination(of: observation)
        }
        guard let recipe = try? catalog.recipe(for: source) else {
            return Examination(.unknown, found: "the type \(source.type) is no longer in the catalog")
        }
        let text = "mount \(kernelID): \(entry.filesystemType)"
        guard let drift = MountDrift(of: entry, from: recipe) else { return Examination(.ok, found: text) }
        return Examination(.drifted, found: "\(text), \(drift)")
    }

    private func examination(of observation: LinuxMount.Observation) throws(SystemCallError) -> Examination {
        switch observation.summary {
        case .empty: return Examination(.missing, found: "nothing is mounted")
        case .foreign: return Examination(.replaced, found: try describeTop(of: observation))
        case .covered: return Examination(.foreign, found: "ours, beneath \(try describeTop(of: observation))")
        case .parked: return Examination(.missing, found: "ours is in its parking slot")
        case .moved: return Examination(.missing, found: "ours was moved elsewhere by somebody")
        case .ours: return Examination(.unknown, found: "the mount was there, and gone when it was asked for")
        }
    }

    private func describeTop(of observation: LinuxMount.Observation) throws(SystemCallError) -> String {
        guard case .mount(let id) = observation.top else { return "no mount" }
        return "mount \(id)" + (try root.table.entry(id).map { ": \($0.filesystemType)" } ?? "")
    }
}
