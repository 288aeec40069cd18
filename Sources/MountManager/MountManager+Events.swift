// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import MountModel
internal import SystemPackage

extension MountManager {
    /// Lets the machine handle an event and carries out what it asks for.
    func feed(_ event: MountpointState.Event, to machine: Machine) {
        let before = machine.state.phase
        let effects = machine.state.handle(event)
        for effect in effects { carryOut(effect, for: machine) }
        index(machine)
        scheduleProbes(of: machine)
        note(machine.state.phase, of: machine, after: before)
        noteRest(of: machine)
    }

    /// Says in the log what an administrator would want to know: what others did, and what does not end.
    private func note(_ phase: MountpointState.Phase, of machine: Machine, after before: MountpointState.Phase) {
        if phase == before { return }
        let level: Logger.Level =
            switch phase {
            case .lost, .foreign, .moved, .stuck: .warning
            case .lingering: .notice
            case .absent, .mounting, .mounted, .settling, .unmounting, .forgetting, .recovering: .debug
            }
        logger.log(
            level: level, "a mountpoint is \(phase.rawValue)",
            metadata: [
                "mountpoint": "\(machine.mountpoint)", "before": "\(before.rawValue)",
                "source": "\(machine.source?.description ?? "none")", "attachments": "\(machine.state.held.count)",
            ])
    }

    /// Wakes who waits for the machine to come to rest, and forgets it where there is nothing to remember.
    func noteRest(of machine: Machine) {
        if !machine.watchers.isEmpty {
            for (number, watcher) in machine.watchers
            where watcher.goal == .rest ? machine.isAtRest : machine.isSettled {
                machine.watchers[number] = nil
                watcher.continuation.resume()
            }
        }
        if machine.isForgettable {
            machines[machine.mountpoint] = nil
            externals.remove(machine.mountpoint)
            // What was on it may have gone while the record was being deleted.
            if owedFolders.contains(machine.mountpoint) { removeOwedFolders() }
        }
    }

    /// Takes what the kernel says has changed and tells the machines that it may concern.
    func takeChanges() {
        switch changes.drain() {
        case .none: return
        case .everything:
            for machine in machines.values { feed(.hint, to: machine) }
            removeOwedFolders()
        case .mounts(let list):
            hint(about: list)
        }
    }

    private func hint(about changes: [MountChange]) {
        var concerned: Set<Mountpoint> = []
        for change in changes {
            for id in [change.id, change.parent] {
                if let id, let mountpoint = mountpointsByID[id] { concerned.insert(mountpoint) }
            }
            if let mountpoint = change.mountpoint { concerned.formUnion(machinesHidden(by: mountpoint)) }
        }
        if changes.contains(where: { $0.parent == nil }) {
            removeOwedFolders()
            // A mount that has left says no longer where it was: perhaps over one of ours, or in its place.
            for machine in machines.values where machine.state.isObstructed {
                concerned.insert(machine.mountpoint)
            }
        }
        for mountpoint in concerned {
            if let machine = machines[mountpoint] { feed(.hint, to: machine) }
        }
    }

    /// The mountpoints at or beneath a place where something was mounted.
    ///
    /// Most places are a machine's own, or have nothing to do with the mount root.
    private func machinesHidden(by place: Mountpoint) -> [Mountpoint] {
        if machines[place] != nil { return [place] }
        let root = configuration.mountRoot
        if root.path.starts(with: place.path) {
            logger.error(
                "something was mounted over the mount root: consumers may no longer see their mounts",
                metadata: ["at": "\(place)", "mount_root": "\(root)"])
            return Array(machines.keys)
        }
        let isWithin = place.path.starts(with: root.path)
        // Others' mounts are elsewhere, and few.
        return (isWithin ? Array(machines.keys) : Array(externals)).filter { $0.path.starts(with: place.path) }
    }

    private func index(_ machine: Machine) {
        var ids: Set<MountID> = []
        if let id = machine.mountID { ids.insert(id) }
        if let id = machine.builtID { ids.insert(id) }
        guard ids != machine.indexedIDs else { return }
        for id in machine.indexedIDs.subtracting(ids) { mountpointsByID[id] = nil }
        for id in ids { mountpointsByID[id] = machine.mountpoint }
        machine.indexedIDs = ids
    }
}
