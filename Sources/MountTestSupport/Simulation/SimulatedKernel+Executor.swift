// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
internal import LinuxMount
public import MountManager
public import MountModel
internal import MountWorker
internal import SystemPackage

extension SimulatedKernel {
    public func inspect(_ mountpoint: Mountpoint, expecting id: MountID?) async -> OperationOutcome {
        await exclusively(.inspect, at: mountpoint) {
            self.withTable { table in
                do throws(SystemCallError) {
                    let target = try table.target(mountpoint)
                    if let id, try table.observe(id, at: target) == .parked {
                        _ = try table.moveBack(id, to: target)
                    }
                    return self.outcome(of: try table.observe(id, at: target), at: mountpoint)
                } catch {
                    return self.unobservable(id, .operation("look at", mountpoint, failed: error), table)
                }
            }
        }
    }

    public func build(
        _ source: MountSource, for mountpoint: Mountpoint, secrets: [String: Secret]
    ) async throws(MountError) -> MountID {
        await begin(.build)
        let catalog = FilesystemCatalog.standard
        if catalog.inlineOptions(of: source) != Set(secrets.keys) { violate("build of \(source) without its secrets") }
        let recipe = try catalog.recipe(for: source, secrets: secrets)
        steps.reached(.build)
        if let fault = fault(in: source) ?? nextFault(of: .build) { throw fault }
        let result = withTable { table -> Result<MountID, MountError> in
            do throws(SystemCallError) {
                let id = try table.build(recipe, assumesSources: self.assumesSources)
                return .success(id)
            } catch {
                return .failure(.mounting(source, failed: error, in: catalog))
            }
        }
        let id = try result.get()
        steps.reached(.built)
        return id
    }

    public func place(_ id: MountID, at mountpoint: Mountpoint) async -> OperationOutcome {
        await exclusively(.place, at: mountpoint) {
            guard self.withTable({ self.isBuilt(id, $0) }) else {
                self.violate("place of \(id), which is not in hand")
                return OperationOutcome(
                    .empty, problem: MountError(.internal, "the mount \(id) for \(mountpoint) is not in hand"))
            }
            do throws(SystemCallError) {
                if let fault = self.nextFault(of: .place) {
                    return self.withTable { table in
                        table.forget(id)
                        return OperationOutcome(self.observe(id, at: mountpoint, table).seen, problem: fault)
                    }
                }
                return try self.placeBuilt(id, at: mountpoint)
            } catch {
                return self.withTable { table in
                    table.forget(id)
                    return self.notPlaced(id, at: mountpoint, error, table)
                }
            }
        }
    }

    private func placeBuilt(_ id: MountID, at mountpoint: Mountpoint) throws(SystemCallError) -> OperationOutcome {
        let target = try withTable { table throws(SystemCallError) in try table.target(mountpoint) }
        steps.reached(.place)
        try withTable { table throws(SystemCallError) in try table.prepareFolder(of: target) }
        steps.reached(.folderReady)
        let other = try withTable { table throws(SystemCallError) in try table.place(id, at: target) }
        steps.reached(.placed)
        return withTable { table in
            if other != nil { table.forget(id) }
            let outcome = self.observe(id, at: mountpoint, table)
            guard let other else { return outcome }
            return OperationOutcome(outcome.seen, problem: self.foreign("mount \(other)", at: mountpoint))
        }
    }

    public func unmount(_ id: MountID, from mountpoint: Mountpoint, rung: Int) async -> OperationOutcome {
        note(rung: rung)
        return await exclusively(.unmount, at: mountpoint) {
            self.steps.reached(.unmount)
            if let fault = self.nextFault(of: .unmount) {
                return self.withTable {
                    OperationOutcome(self.observe(id, at: mountpoint, $0).seen, problem: fault)
                }
            }
            do throws(SystemCallError) {
                let result = try self.withTable { table throws(SystemCallError) in
                    try table.unmountExactly(id, at: try table.target(mountpoint))
                }
                self.steps.reached(.unmounted)
                let isSilent = self.answer(at: mountpoint).answer == .silent
                return self.withTable { table in
                    let outcome = self.observe(id, at: mountpoint, table)
                    switch result {
                    case .unmounted, .absent: return outcome
                    case .busy:
                        return OperationOutcome(
                            outcome.seen, problem: .busy(mountpoint), hungRung: isSilent ? rung : nil)
                    case .foreign(let other):
                        return OperationOutcome(outcome.seen, problem: self.foreign("mount \(other)", at: mountpoint))
                    }
                }
            } catch {
                return self.withTable {
                    OperationOutcome(
                        self.observe(id, at: mountpoint, $0).seen,
                        problem: .operation("unmount", mountpoint, failed: error))
                }
            }
        }
    }

    public func endParked() async {
        await withTaskCancellationHandler {
            await begin(.endParked)
        } onCancel: {
            Task { await letGo(.endParked) }
        }
    }

    public func probe(_ id: MountID, at mountpoint: Mountpoint, within limit: Duration) async -> ProbeResult {
        await begin(.probe)
        return answer(at: mountpoint)
    }

    public func close(_ id: MountID) async {
        withTable { if self.isBuilt(id, $0) { $0.forget(id) } }
    }

    public func removeFolder(at mountpoint: Mountpoint) async throws(MountError) {
        steps.reached(.removeFolder)
        var refusal = nextFault(of: .removeFolder)
        if refusal == nil {
            do throws(SystemCallError) {
                try withTable { table throws(SystemCallError) in
                    try table.removeFolder(of: try table.target(mountpoint))
                }
            } catch {
                refusal = .operation("remove the folder of", mountpoint, failed: error)
            }
        }
        await begin(.removeFolder)
        if let refusal { throw refusal }
        steps.reached(.folderRemoved)
    }

    public func mountsBeneathRoot(except known: Set<MountID>) async -> [UnrecordedMount] {
        let found = withTable { table in
            table.children.compactMap { place, id -> UnrecordedMount? in
                guard place.mount == table.root, !known.contains(id) else { return nil }
                return UnrecordedMount(
                    path: FilePath(place.folder.description), id: id, type: "tmpfs", source: "another's")
            }
        }
        await begin(.list)
        return found
    }

    // MARK: - What is seen

    func observe(_ id: MountID, at mountpoint: Mountpoint, _ table: SimulatedTable) -> OperationOutcome {
        do throws(SystemCallError) {
            return outcome(of: try table.observe(id, at: try table.target(mountpoint)), at: mountpoint, isBrief: true)
        } catch {
            return unobservable(id, .operation("look at", mountpoint, failed: error), table)
        }
    }

    private func notPlaced(
        _ id: MountID, at mountpoint: Mountpoint, _ error: SystemCallError, _ table: SimulatedTable
    ) -> OperationOutcome {
        let problem = MountError.operation("place a mount at", mountpoint, failed: error)
        do throws(SystemCallError) {
            let outcome = outcome(of: try table.observe(id, at: try table.target(mountpoint)), at: mountpoint)
            if outcome.seen == .foreign, error.errno == .resourceBusy { return outcome }
            return OperationOutcome(outcome.seen, problem: problem)
        } catch {
            let outcome = unobservable(id, problem, table)
            return outcome.seen == .foreign ? OperationOutcome(.empty, problem: problem) : outcome
        }
    }

    private func unobservable(
        _ id: MountID?, _ problem: MountError, _ table: SimulatedTable
    ) -> OperationOutcome {
        let mayExist = id.map { table.mounts[$0]?.place != nil } ?? false
        return OperationOutcome(mayExist ? .covered : .foreign, problem: problem)
    }

    private func outcome(
        of summary: LinuxMount.Observation.Summary, at mountpoint: Mountpoint, isBrief: Bool = false
    ) -> OperationOutcome {
        switch summary {
        case .empty: OperationOutcome(.empty)
        case .ours: OperationOutcome(.ours)
        case .moved:
            OperationOutcome(
                .moved, problem: isBrief ? nil : foreign("a mount of ours, moved elsewhere,", at: mountpoint))
        case .covered, .parked:
            OperationOutcome(.covered, problem: isBrief ? nil : foreign("another mount, over ours,", at: mountpoint))
        case .foreign:
            OperationOutcome(.foreign, problem: isBrief ? nil : foreign("another mount", at: mountpoint))
        }
    }

    private func foreign(_ what: String, at mountpoint: Mountpoint) -> MountError {
        MountError(
            .foreign, "\(what) is at \(mountpoint) and is not Holdfast's",
            context: MountError.Context(operation: "inspect", target: mountpoint.path.string))
    }

    private func isBuilt(_ id: MountID, _ table: SimulatedTable) -> Bool {
        table.mounts[id].map { $0.place == nil && id != table.host } ?? false
    }
}
