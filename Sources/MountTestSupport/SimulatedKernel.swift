// SPDX-License-Identifier: Apache-2.0

public import MountManager
public import MountModel
internal import NIOConcurrencyHelpers

/// A mount table that lives in memory: stacks of mounts by mountpoint, ours and others', with users that keep them busy.
///
/// It answers as the kernel would, not as a test recorded it: a mount that is not on top cannot be unmounted, a place onto
/// a mount that is not ours is undone, what changes is there to be drained at once. Operations can be held up at a gate.
public final class SimulatedKernel: MountExecutor, MountChangeSource {
    /// The kinds of operations, for gates, faults and counts.
    public enum Operation: Hashable, Sendable, CaseIterable { case inspect, build, place, unmount }

    struct Table {
        var lastID: UInt64 = 1000
        var built: [MountID: MountSource] = [:]
        var stacks: [Mountpoint: [MountID]] = [:]
        var busy: Set<MountID> = []
        var folders: Set<Mountpoint> = []
        var changes: [MountChange] = []
        var faults: [Operation: [MountError]] = [:]
        var brokenSources: [MountSource: MountError] = [:]
        var counts: [Operation: Int] = [:]
        var drifted: [MountID: String] = [:]
    }

    let table = NIOLockedValueBox(Table())
    let gate = OperationGate()

    /// An empty table.
    ///
    /// - Parameter firstID: the ids are greater than this; another boot's are others, or the same again.
    public init(firstID: UInt64 = 1000) { table.withLockedValue { $0.lastID = firstID } }

    // MARK: - What a test does to it

    /// Somebody mounts something at the mountpoint, over what is there.
    @discardableResult
    public func mountForeign(at mountpoint: Mountpoint) -> MountID {
        table.withLockedValue { table in
            let id = table.nextID()
            table.attach(id, at: mountpoint)
            return id
        }
    }

    /// Somebody unmounts the topmost mount, whosever it is.
    public func unmountTop(at mountpoint: Mountpoint) {
        table.withLockedValue { $0.detachTop(at: mountpoint) }
    }

    /// Somebody opens a file on the topmost mount, or closes it.
    public func setBusy(_ isBusy: Bool, at mountpoint: Mountpoint) {
        table.withLockedValue { table in
            guard let top = table.stacks[mountpoint]?.last else { return }
            if isBusy { table.busy.insert(top) } else { table.busy.remove(top) }
        }
    }

    /// Somebody remounts the topmost mount, which has other attributes then.
    public func remountTop(at mountpoint: Mountpoint, as difference: String) {
        table.withLockedValue { table in
            if let top = table.stacks[mountpoint]?.last { table.drifted[top] = difference }
        }
    }

    /// In what the topmost mount differs from how it was made.
    public func driftOfTop(at mountpoint: Mountpoint) -> String? {
        table.withLockedValue { table in table.stacks[mountpoint]?.last.flatMap { table.drifted[$0] } }
    }

    /// The next operations of this kind fail, one error each.
    public func fail(_ operation: Operation, with errors: [MountError]) {
        table.withLockedValue { $0.faults[operation, default: []] += errors }
    }

    /// From now on this source cannot be built; with nil it can again.
    public func failBuilds(of source: MountSource, with error: MountError?) {
        table.withLockedValue { $0.brokenSources[source] = error }
    }

    /// The mounts at the mountpoint, lowest first.
    public func stack(at mountpoint: Mountpoint) -> [MountID] {
        table.withLockedValue { $0.stacks[mountpoint] ?? [] }
    }

    /// How many operations of this kind have begun.
    public func count(_ operation: Operation) -> Int {
        table.withLockedValue { $0.counts[operation] ?? 0 }
    }

    /// What is left: mounts, folders, and built mounts in hand. Empty when nothing has leaked.
    public var leftovers: [String] {
        table.withLockedValue { table in
            table.stacks.filter { !$0.value.isEmpty }.map { "mounts at \($0.key)" }
                + table.folders.map { "folder \($0)" }
                + table.built.map { "built mount \($0.key)" }
        }.sorted()
    }

    /// From now on operations of this kind stop at their beginning.
    public func hold(_ operation: Operation) async { await gate.hold(operation) }

    /// Returns when this many operations of the kind are held up.
    public func waitUntilHeld(_ operation: Operation, _ count: Int = 1) async {
        await gate.waitUntilHeld(operation, count)
    }

    /// Lets the held operations go, and those that come.
    public func letGo(_ operation: Operation) async { await gate.letGo(operation) }

    // MARK: - MountExecutor

    public func inspect(_ mountpoint: Mountpoint, expecting id: MountID?) async -> OperationOutcome {
        await begin(.inspect)
        return table.withLockedValue { OperationOutcome($0.seen(id, at: mountpoint)) }
    }

    public func build(_ source: MountSource) async throws(MountError) -> MountID {
        await begin(.build)
        let result = table.withLockedValue { table -> Result<MountID, MountError> in
            if let error = table.brokenSources[source] ?? table.nextFault(of: .build) { return .failure(error) }
            let id = table.nextID()
            table.built[id] = source
            return .success(id)
        }
        return try result.get()
    }

    public func place(_ id: MountID, at mountpoint: Mountpoint) async -> OperationOutcome {
        await begin(.place)
        return table.withLockedValue { table in
            guard table.built.removeValue(forKey: id) != nil else {
                return OperationOutcome(.empty, problem: MountError(.internal, "the mount \(id) is not in hand"))
            }
            if let error = table.nextFault(of: .place) {
                return OperationOutcome(table.seen(id, at: mountpoint), problem: error)
            }
            table.folders.insert(mountpoint)
            guard table.stacks[mountpoint, default: []].isEmpty else {
                return OperationOutcome(
                    .foreign, problem: MountError(.foreign, "something is mounted at \(mountpoint)"))
            }
            table.attach(id, at: mountpoint)
            return OperationOutcome(.ours)
        }
    }

    public func unmount(_ id: MountID, from mountpoint: Mountpoint, rung: Int) async -> OperationOutcome {
        await begin(.unmount)
        return table.withLockedValue { table in
            if table.stacks[mountpoint]?.last == id, !table.busy.contains(id), table.nextFault(of: .unmount) == nil {
                table.detachTop(at: mountpoint)
                return OperationOutcome(table.seen(id, at: mountpoint))
            }
            return OperationOutcome(
                table.seen(id, at: mountpoint), problem: MountError(.busy, "cannot unmount \(mountpoint): it is in use")
            )
        }
    }

    public func close(_ id: MountID) async { table.withLockedValue { $0.built[id] = nil } }

    public func removeFolder(at mountpoint: Mountpoint) async throws(MountError) {
        let isMountpoint = table.withLockedValue { table in
            guard table.stacks[mountpoint, default: []].isEmpty else { return true }
            table.folders.remove(mountpoint)
            return false
        }
        if isMountpoint { throw MountError(.busy, "\(mountpoint) is a mountpoint") }
    }

    public func detectType(of source: String, within limit: Duration) async throws(MountError) -> FilesystemType {
        FilesystemType(rawValue: "tmpfs")
    }

    public func examine(
        _ mountpoint: Mountpoint, expecting id: MountID?, of source: MountSource
    ) async -> Examination {
        table.withLockedValue { table in
            switch table.seen(id, at: mountpoint) {
            case .ours: Examination(.ok, found: "ours")
            case .empty: Examination(.missing, found: "nothing")
            case .covered: Examination(.foreign, found: "another over ours")
            case .moved: Examination(.replaced, found: "nothing: ours was moved")
            case .foreign, .unknown: Examination(.replaced, found: "another")
            }
        }
    }

    public func drift(among mounts: [MountID: MountSource]) async -> Drift {
        table.withLockedValue { table in
            var drift = Drift()
            drift.mounts = table.drifted.filter { mounts[$0.key] != nil }
            return drift
        }
    }

    public func restoreAttributes(
        of id: MountID, at mountpoint: Mountpoint, for source: MountSource
    ) async -> MountError? {
        table.withLockedValue { table in
            if table.stacks[mountpoint]?.last == id { table.drifted[id] = nil }
            return nil
        }
    }

    // MARK: - MountChangeSource

    public func drain() -> MountChanges {
        table.withLockedValue { table in
            defer { table.changes = [] }
            return table.changes.isEmpty ? .none : .mounts(table.changes)
        }
    }

    /// Requests drain for themselves; a test that wants more calls the manager.
    public func watch(_ notify: @escaping @Sendable () async -> Void) async {}

    /// As `watch`.
    public func watchAttributes(_ look: @escaping @Sendable () async -> Bool) async {}

    private func begin(_ operation: Operation) async {
        table.withLockedValue { $0.counts[operation, default: 0] += 1 }
        OperationProgress.current?.begin()
        await gate.pass(operation)
    }
}

extension SimulatedKernel.Table {
    mutating func nextID() -> MountID {
        lastID += 1
        return MountID(rawValue: lastID)
    }

    mutating func nextFault(of operation: SimulatedKernel.Operation) -> MountError? {
        guard var errors = faults[operation], !errors.isEmpty else { return nil }
        defer { faults[operation] = errors }
        return errors.removeFirst()
    }

    mutating func attach(_ id: MountID, at mountpoint: Mountpoint) {
        let parent = stacks[mountpoint]?.last ?? MountID(rawValue: 1)
        stacks[mountpoint, default: []].append(id)
        changes.append(MountChange(id: id, parent: parent, mountpoint: mountpoint))
    }

    mutating func detachTop(at mountpoint: Mountpoint) {
        guard let id = stacks[mountpoint]?.popLast() else { return }
        busy.remove(id)
        changes.append(MountChange(id: id))
    }

    func seen(_ id: MountID?, at mountpoint: Mountpoint) -> MountpointState.Seen {
        let stack = stacks[mountpoint] ?? []
        guard let top = stack.last else { return .empty }
        if top == id { return .ours }
        return id.map(stack.contains) == true ? .covered : .foreign
    }
}
