// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
public import MountManager
public import MountModel
internal import NIOConcurrencyHelpers
public import SystemPackage

/// A kernel that lives in memory, with the executor's view of it: a tree of mounts over filesystems with folders, peers
/// that send each other mounts, files that keep mounts busy, parking slots, loop devices, a queue of mount events.
///
/// It answers as Linux and `LinuxExecutor` do, errno for errno: the conformance suite runs every scenario on both and
/// compares. Operations can be held up at a gate, and made to fail.
public final class SimulatedKernel: MountExecutor, MountChangeSource {
    /// The kinds of operations, for gates, faults and counts.
    public enum Operation: Hashable, Sendable, CaseIterable {
        case inspect, build, place, unmount, removeFolder, list, drift, probe, endParked
    }

    private struct State {
        var table: SimulatedTable
        var faults: [Operation: [MountError]] = [:]
        var brokenSources: [MountSource: MountError] = [:]
        var counts: [Operation: Int] = [:]
        var inFlight: Set<Mountpoint> = []
        var answers: [Mountpoint: ProbeResult] = [:]
        var rungs: [Int] = []
        var violations: [String] = []
    }

    private let state: NIOLockedValueBox<State>
    private let gate = OperationGate()
    let steps: ExecutorSteps
    let assumesSources: Bool

    /// A host with its managed root and its parking lot, and nothing else mounted.
    ///
    /// - Parameters:
    ///   - firstID: the ids are greater than this; another boot's are others, or the same again.
    ///   - assumesSources: a source that nobody made is taken to be there, and right; else it must have been made.
    ///   - steps: told before each step that changes the state, as the real executor tells.
    public init(
        root: FilePath = "/root", parking: FilePath = "/run/parking", firstID: UInt64 = 1000,
        assumesSources: Bool = true, steps: ExecutorSteps = .none
    ) {
        state = NIOLockedValueBox(
            State(table: SimulatedTable(root: SimulatedPath(root), parking: SimulatedPath(parking), firstID: firstID)))
        self.assumesSources = assumesSources
        self.steps = steps
    }

    // MARK: - What a test does to it

    /// Somebody mounts something at the mountpoint, over what is there; what is missing on the way is made.
    @discardableResult
    public func mountForeign(at mountpoint: Mountpoint) -> MountID {
        withTable { table in
            table.makeFolders(to: SimulatedPath(mountpoint.path))
            let id = table.newMount(of: table.newFilesystem(), attributes: [])
            if let place = try? table.lookUp(SimulatedPath(mountpoint.path)) { table.attach(id, at: place) }
            return id
        }
    }

    /// Somebody unmounts the topmost mount, whosever it is and whoever uses it.
    public func unmountTop(at mountpoint: Mountpoint) {
        withTable { table in
            if let mount = try? table.mounted(at: SimulatedPath(mountpoint.path)) { table.detach(mount.id) }
        }
    }

    /// Somebody opens a file on the topmost mount, or closes it.
    public func setBusy(_ isBusy: Bool, at mountpoint: Mountpoint) {
        withTable { table in
            let name = "a user of \(mountpoint)"
            table.closeFile(name)
            if isBusy, let place = try? table.lookUp(SimulatedPath(mountpoint.path)) { table.openFile(name, at: place) }
        }
    }

    /// From now on this comes of it when the filesystem at the mountpoint is asked; with nil it answers.
    public func setAnswer(_ result: ProbeResult?, at mountpoint: Mountpoint) {
        state.withLockedValue { $0.answers[mountpoint] = result }
    }

    /// The rungs of all unmounts, in order.
    public var rungs: [Int] { state.withLockedValue { $0.rungs } }

    /// Somebody remounts the topmost mount, which differs from how it was then: `without nosuid`, `with ro`.
    public func remountTop(at mountpoint: Mountpoint, as difference: String) {
        withTable { table in
            guard let mount = try? table.mounted(at: SimulatedPath(mountpoint.path)) else { return }
            table.set(mount.id) { $0.attributes = $0.attributes.changed(by: difference) }
        }
    }

    /// Which of the attributes that every mount of ours has the topmost one has not.
    public func driftOfTop(at mountpoint: Mountpoint) -> String? {
        withTable { table in
            guard let mount = try? table.mounted(at: SimulatedPath(mountpoint.path)) else { return nil }
            let missing = ([.noSetUserID, .noDevices] as MountAttributes).subtracting(mount.attributes)
            return missing.isEmpty ? nil : "without \(missing)"
        }
    }

    /// The next operations of this kind fail, one error each.
    public func fail(_ operation: Operation, with errors: [MountError]) {
        state.withLockedValue { $0.faults[operation, default: []] += errors }
    }

    /// From now on this source cannot be built; with nil it can again.
    public func failBuilds(of source: MountSource, with error: MountError?) {
        state.withLockedValue { $0.brokenSources[source] = error }
    }

    /// The mounts at the mountpoint, lowest first.
    public func stack(at mountpoint: Mountpoint) -> [MountID] {
        withTable { table in
            guard var place = try? table.lookUpName(SimulatedPath(mountpoint.path)) else { return [] }
            var stack: [MountID] = []
            while let id = table.children[place], let mount = table.mounts[id] {
                stack.append(id)
                place = mount.rootPlace
            }
            return stack
        }
    }

    /// How many operations of this kind have begun.
    public func count(_ operation: Operation) -> Int {
        state.withLockedValue { $0.counts[operation] ?? 0 }
    }

    /// What was asked of it that a correct caller never asks: two operations at one mountpoint at once, a mount placed
    /// that is not in hand.
    public var violations: [String] { state.withLockedValue { $0.violations } }

    /// From now on operations of this kind stop at their beginning; a folder's removal and a list of
    /// mounts when they are done, or refused.
    public func hold(_ operation: Operation) async { await gate.hold(operation) }

    /// Returns when this many operations of the kind are held up.
    public func waitUntilHeld(_ operation: Operation, _ count: Int = 1) async {
        await gate.waitUntilHeld(operation, count)
    }

    /// Lets the held operations go, and those that come.
    public func letGo(_ operation: Operation) async { await gate.letGo(operation) }

    // MARK: - For its extensions

    func withTable<Value, Failure: Error>(
        _ body: (inout SimulatedTable) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let result = state.withLockedValue { state -> Result<Value, Failure> in
            do throws(Failure) { return .success(try body(&state.table)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    func begin(_ operation: Operation) async {
        state.withLockedValue { $0.counts[operation, default: 0] += 1 }
        OperationProgress.current?.begin()
        await gate.pass(operation)
    }

    /// Runs an operation, of which there is one at a time for a mountpoint.
    func exclusively(
        _ operation: Operation, at mountpoint: Mountpoint, _ body: () -> OperationOutcome
    ) async -> OperationOutcome {
        let isFirst = state.withLockedValue { $0.inFlight.insert(mountpoint).inserted }
        if !isFirst { violate("\(operation) at \(mountpoint) during another operation there") }
        await begin(operation)
        defer { state.withLockedValue { _ = $0.inFlight.remove(mountpoint) } }
        return body()
    }

    func violate(_ what: String) { state.withLockedValue { $0.violations.append(what) } }

    func note(rung: Int) { state.withLockedValue { $0.rungs.append(rung) } }

    func answer(at mountpoint: Mountpoint) -> ProbeResult {
        state.withLockedValue { $0.answers[mountpoint] } ?? ProbeResult(.answered)
    }

    func fault(in source: MountSource) -> MountError? { state.withLockedValue { $0.brokenSources[source] } }

    func nextFault(of operation: Operation) -> MountError? {
        state.withLockedValue { state in
            guard state.faults[operation]?.isEmpty == false else { return nil }
            return state.faults[operation]?.removeFirst()
        }
    }
}
