// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
internal import LinuxMount
public import MountModel
internal import MountWorker
internal import NIOConcurrencyHelpers
internal import SystemPackage

extension LinuxExecutor {
    public func drift(among mounts: [MountID: MountSource]) async -> Drift? {
        let result = await onThread(of: .table) { () -> Drift in
            var drift = Drift()
            do throws(SystemCallError) {
                drift.isRootExposed = try self.isReadOnly ? self.root.isExposed() : self.root.keepPrivate()
            } catch {
                drift.problems.append(.operation("look at", self.root.path, failed: error))
            }
            if let problem = self.keepParking() { drift.problems.append(problem) }
            drift.isParkingRenewed = self.takeParkingRenewal()
            for (id, source) in mounts {
                do throws(SystemCallError) {
                    // One that is gone is lost, which its machine is told by another way.
                    guard let entry = try self.root.table.entry(KernelMountID(rawValue: id.rawValue)),
                        let recipe = try? self.catalog.recipe(for: source)
                    else { continue }
                    drift.mounts[id] = MountDrift(of: entry, from: recipe)
                } catch {
                    drift.unseen.insert(id)
                    drift.problems.append(.operation("look at", "mount \(id)", failed: error))
                }
            }
            return drift
        }
        return try? result.get()
    }

    public func restoreAttributes(
        of id: MountID, at mountpoint: Mountpoint, for source: MountSource
    ) async -> MountError? {
        let stuck = NIOLockedValueBox<StuckWorker?>(nil)
        let result = await onThread(of: .table) { () -> MountError? in
            do throws(SystemCallError) {
                let kernelID = KernelMountID(rawValue: id.rawValue)
                guard let recipe = try? self.catalog.recipe(for: source),
                    let entry = try self.root.table.entry(kernelID),
                    let drift = MountDrift(of: entry, from: recipe)
                else { return nil }
                let target = try self.target(mountpoint)
                if !drift.missing.isEmpty || !drift.added.isEmpty {
                    _ = try target.setAttributes(
                        MountAttributes(recipe.attributes), clearing: drift.added, ofMount: kernelID)
                }
                guard case .readOnly(isHealed: true) = drift.fault else { return nil }
                return self.makeWritable(kernelID, at: mountpoint, target.relative, drift, stuck)
            } catch {
                return .operation("give back the attributes of", mountpoint, failed: error)
            }
        }
        // It may still act, and holds the mountpoint's lock.
        if let worker = stuck.withLockedValue(\.self) { await waitForEnd(after: .stuck(worker)) }
        switch result {
        case .success(let problem): return problem
        case .failure(let error): return error
        }
    }

    /// Writes to its device, which may not answer: a worker's.
    private func makeWritable(
        _ id: KernelMountID, at mountpoint: Mountpoint, _ relative: FilePath, _ drift: MountDrift,
        _ stuck: NIOLockedValueBox<StuckWorker?>
    ) -> MountError? {
        do throws(OperationFailure) {
            try operations.makeWritable(id, at: relative, lock: Identifier.lock(of: mountpoint))
            return nil
        } catch {
            var problem = MountError.operation("make writable again", mountpoint, failed: error)
            if case .stuck(let worker) = error { stuck.withLockedValue { $0 = worker } }
            if case .refused = error { problem.hint = drift.advice(at: mountpoint) }
            return problem
        }
    }
}
