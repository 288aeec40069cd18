// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import MountModel

// Mounts that are still there, and not as they were made: somebody has remounted them.
extension MountManager {
    /// Compares all mounts in use with how they were made, tells the machines where there is a difference, and says so
    /// in the log. Who asks while that is under way shares the next look.
    ///
    /// - Returns: whether another look is worth while: something is being healed, which may be refused, or something
    ///   has not been inspected yet. Where the look does not end within the limit, no.
    package func lookForDrift(within limit: Duration? = nil) async -> Bool {
        await driftLooks.value(within: limit) { await self.compareAll() } ?? false
    }

    private func compareAll() async -> Bool {
        var mounts: [MountID: MountSource] = [:]
        for machine in machines.values where machine.state.seen == .ours {
            if let row = machine.state.row, let id = row.id { mounts[id] = row.source.source }
        }
        // What is found while it stops is the next start's.
        guard let drift = await executor.drift(among: mounts), !isStopping else { return false }
        for problem in drift.problems { logger.error("\(problem.message)") }
        note(isRootExposed: drift.isRootExposed)
        if drift.isParkingRenewed {
            logger.error(
                "others have unmounted the parking lot beneath the runtime folder: it is made anew; find out who")
        }
        var isWorthAnother = machines.values.contains { $0.state.seen == .unknown }
        for id in mounts.keys where !drift.unseen.contains(id) {
            // It may be another one's by now, or nobody's.
            guard let mountpoint = mountpointsByID[id], let machine = machines[mountpoint] else { continue }
            note(drift.mounts[id], of: machine)
            if healableDrift(of: machine) == nil { continue }
            isWorthAnother = true
            feed(.hint, to: machine)
        }
        return isWorthAnother
    }

    private func note(isRootExposed isExposed: Bool) {
        // Where it stays so, it is said once.
        let isNews = isExposed && !isRootExposed
        isRootExposed = isExposed && configuration.isReadOnly
        guard isNews else { return }
        let consequence = isRootExposed ? "it stays so, for nothing is changed" : "it is private again"
        logger.error(
            "others have made the mount root shared: mounts made meanwhile may have spread; \(consequence)",
            metadata: ["mount_root": "\(configuration.mountRoot)"])
    }

    private func note(_ drift: MountDrift?, of machine: Machine) {
        if machine.drift == drift { return }
        machine.drift = drift
        let metadata: Logger.Metadata = [
            "mountpoint": "\(machine.mountpoint)", "mount": "\(machine.mountID, default: "")",
        ]
        if let drift {
            logger.warning("a mount is not as it was made: it is \(drift)", metadata: metadata)
        } else {
            logger.notice("a mount is again as it was made", metadata: metadata)
        }
    }

    /// The source whose attributes the next inspection is to give back; nil where there is nothing to heal.
    func healableDrift(of machine: Machine) -> MountSource? {
        if configuration.isReadOnly { return nil }
        guard machine.drift?.isHealable == true, let source = machine.state.row?.source.source,
            configuration.reconcile.action(for: source) == .heal
        else { return nil }
        return source
    }

    /// What `list` and `show` say about a mount that has drifted.
    func driftProblem(of machine: Machine) -> MountError? {
        guard let drift = machine.drift else { return nil }
        return machine.problem
            ?? MountError(
                .conflict, "\(machine.mountpoint) is not as it was made: it is \(drift)",
                context: MountError.Context(operation: "verify", target: machine.mountpoint.description),
                hint: drift.advice(at: machine.mountpoint))
    }

    /// What they say about a mount that others took away and that is not mounted again by itself.
    func lossProblem(of machine: Machine) -> MountError? {
        guard !machine.state.isHealedByItself else { return nil }
        return MountError(
            .conflict, "somebody has unmounted \(machine.mountpoint), which is still in use",
            context: MountError.Context(operation: "verify", target: machine.mountpoint.description),
            hint: "find out who unmounts it; an attach mounts it again, as its reconcile action is to report only")
    }
}
