// SPDX-License-Identifier: Apache-2.0

import Filesystems
import LinuxMount
import MountWorker
import Synchronization
import SystemPackage

/// The real operations, on the thread that calls them; before some of them something else happens, or instead.
final class ScriptedOperations: KernelOperations {
    /// What comes before an operation; a failure is its answer, and keeps it from being done.
    typealias Before = @Sendable (KernelMountID) -> OperationFailure?

    private let real: MountOperations
    private let state = Mutex(State())

    private struct State {
        var before: [Kind: Before] = [:]
        var counts: [Kind: Int] = [:]
        var deserted: Set<KernelMountID> = []
        var ended: [KernelMountID] = []
        var interrupt: OperationInterrupt?
    }

    enum Kind { case unmount, endParked, probe, makeWritable, close }

    init(_ real: MountOperations) { self.real = real }

    func before(_ kind: Kind, _ body: Before?) { state.withLock { $0.before[kind] = body } }

    /// How often it was asked for.
    func count(_ kind: Kind) -> Int { state.withLock { $0.counts[kind] ?? 0 } }

    func desert(_ id: KernelMountID) { state.withLock { _ = $0.deserted.insert(id) } }

    /// Of which mounts the helpers were ended.
    var ended: [KernelMountID] { state.withLock { $0.ended } }

    /// Whether what is done about parked mounts is to end.
    var isEndParkedInterrupted: Bool { state.withLock { $0.interrupt?.isRaised == true } }

    private func begin(_ kind: Kind, _ id: KernelMountID) throws(OperationFailure) {
        let before = state.withLock { state in
            state.counts[kind, default: 0] += 1
            return state.before[kind]
        }
        if let failure = before?(id) { throw failure }
    }

    func build(
        _ recipe: MountRecipe, lock: OperationLock?, interrupt: OperationInterrupt?
    ) throws(OperationFailure) -> DetachedMount {
        try real.build(recipe, lock: lock, interrupt: interrupt)
    }

    func unmount(
        _ id: KernelMountID, from relative: FilePath, by means: UnmountMeans, lock: OperationLock?
    ) throws(OperationFailure) -> UnmountOutcome {
        try begin(.unmount, id)
        return try real.unmount(id, from: relative, by: means, lock: lock)
    }

    func endParked(_ id: KernelMountID, interrupt: OperationInterrupt?) throws(OperationFailure) -> UnmountOutcome {
        state.withLock { $0.interrupt = interrupt }
        try begin(.endParked, id)
        return try real.endParked(id, interrupt: interrupt)
    }

    func probe(
        _ id: KernelMountID, at relative: FilePath, within limit: Duration, interrupt: OperationInterrupt?
    ) throws(OperationFailure) {
        try begin(.probe, id)
        try real.probe(id, at: relative, within: limit, interrupt: interrupt)
    }

    func makeWritable(_ id: KernelMountID, at relative: FilePath, lock: OperationLock?) throws(OperationFailure) {
        try begin(.makeWritable, id)
        try real.makeWritable(id, at: relative, lock: lock)
    }

    func close(_ mount: consuming OwnedDescriptor) throws(OperationFailure) {
        try begin(.close, KernelMountID(rawValue: 0))
        try real.close(mount)
    }

    func detect(_ path: FilePath, interrupt: OperationInterrupt?) throws(OperationFailure) -> String? {
        try real.detect(path, interrupt: interrupt)
    }

    func isDeserted(_ id: KernelMountID) -> Bool { state.withLock { $0.deserted.contains(id) } }

    func endHelpers(of id: KernelMountID) { state.withLock { $0.ended.append(id) } }
}
