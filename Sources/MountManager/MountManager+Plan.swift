// SPDX-License-Identifier: Apache-2.0

public import MountModel

extension MountManager {
    /// What an attach would do if it came now. Nothing is changed; what is not known is looked at in the mount table.
    ///
    /// It makes the same checks as the attach, and asks the same state machine. What others do on the host in the
    /// meantime, and what only a mount shows (is the server there? is the key right?), it does not know.
    ///
    /// - Throws: `invalid_argument` as the attach would, `unavailable`, `cancelled`.
    public nonisolated func plan(_ order: AttachOrder) async throws(MountError) -> AttachPlan {
        try await plan(order, until: .now + min(order.timeout, configuration.limits.requestTime))
    }

    private func plan(
        _ order: AttachOrder, until deadline: ContinuousClock.Instant
    ) async throws(MountError) -> AttachPlan {
        try checkIsAccepting()
        let order = try marked(order)
        let mountpoint: Mountpoint
        do throws(MountError) {
            mountpoint = try await self.mountpoint(for: order, until: deadline)
            takeChanges()
            // A look is under way because something has changed: it takes no longer than a look of our own.
            if case .inspect = machines[mountpoint]?.state.operation?.kind {
                await wait(for: .rest, at: mountpoint, until: min(deadline, .now + .seconds(1)))
            }
            if let problem = try await missingExternal(at: mountpoint, for: order, until: deadline) { throw problem }
        } catch {
            if error.code == .invalidArgument || error.code == .cancelled { throw error }
            return AttachPlan(failing: error, at: order.mountpoint)
        }
        let found =
            machines[mountpoint] == nil && !isExternal(order.source)
            ? await executor.examine(mountpoint, expecting: nil, of: order.source) : nil
        return plan(order, at: mountpoint, where: found)
    }

    /// - Parameter found: what is at a mountpoint of which nothing is known.
    private func plan(_ order: AttachOrder, at mountpoint: Mountpoint, where found: Examination?) -> AttachPlan {
        let known = machines[mountpoint]
        let machine =
            known
            ?? Machine(mountpoint: mountpoint, state: newState, attachments: [], backoff: configuration.backoff)
        let listing = known.flatMap { self.listing(of: $0) }
        if known == nil, found?.result == .replaced || found?.result == .foreign {
            _ = machine.state.handle(.hint)
            _ = machine.state.handle(.operationEnded(.foreign))
        }
        do throws(MountError) {
            try checkPlace(mountpoint, for: order.source)
            try checkLimits(order.key, order.source, at: mountpoint)
        } catch {
            return AttachPlan(failing: error, at: mountpoint, where: listing)
        }
        let prospect = machine.state.prospect(
            ofAttaching: order.key, to: configuration.managed(order.source, at: mountpoint),
            persistent: order.lease == .persistent)
        switch prospect {
        case .answer(.attached), .answer(.already):
            let becomes = order.lease == .persistent && machine.attachments[order.key]?.persistent == false
            return AttachPlan(
                .alreadyAttached,
                because: "the attachment is there already" + (becomes ? ", and becomes persistent" : ""),
                at: mountpoint, where: listing)
        case .answer(let answer):
            let problem = failure(of: answer, to: order.key, of: order.source, at: machine)
            return AttachPlan(failing: problem, at: mountpoint, where: listing)
        case .mount:
            return AttachPlan(
                .mount, because: reasonToMount(order.source, at: machine), at: mountpoint, where: listing)
        case .use:
            return AttachPlan(
                .useExisting, because: reasonToUse(order.source, at: machine), at: mountpoint, where: listing)
        case .wait:
            return AttachPlan(.wait, because: reasonToWait(at: machine), at: mountpoint, where: listing)
        }
    }

    /// Why an external source cannot be attached at the place that was named; nil where it is there, or was.
    private func missingExternal(
        at mountpoint: Mountpoint, for order: AttachOrder, until deadline: ContinuousClock.Instant
    ) async throws(MountError) -> MountError? {
        guard isExternal(order.source) else { return nil }
        if let machine = machines[mountpoint], machine.state.phase == .mounted || !machine.isAtRest { return nil }
        let places = try await executor.places(
            ofExternal: order.source, within: ContinuousClock.now.duration(to: deadline))
        if places.contains(mountpoint) { return nil }
        let found = await executor.examine(mountpoint, expecting: nil, of: order.source)
        return MountError(
            found.result == .missing ? .mountFailed : .foreign,
            "cannot attach \(order.source): at \(mountpoint) \(found.result == .missing ? "" : "is ")\(found.found)",
            context: context("attach", source: order.source, at: mountpoint),
            hint: "whoever mounts \(order.source.type) filesystems on this host has to: Holdfast never does")
    }

    // MARK: - For a person

    private func reasonToMount(_ source: MountSource, at machine: Machine) -> String {
        guard let old = machine.source else { return "nothing is mounted there" }
        if !machine.state.held.isEmpty { return "its mount has gone, and is made anew" }
        if old == source { return "nothing is mounted there any more" }
        return "\(old), which nobody uses any more, is unmounted first if it is still there"
    }

    private func reasonToUse(_ source: MountSource, at machine: Machine) -> String {
        let count = machine.state.held.count
        if isExternal(source), count == 0 { return "others have mounted it; it is verified, and never unmounted" }
        switch count {
        case 0: return "it is mounted there, and nobody uses it any more"
        case 1: return "it is mounted there, with one attachment"
        default: return "it is mounted there, with \(count) attachments"
        }
    }

    private func reasonToWait(at machine: Machine) -> String {
        let what = machine.source?.description ?? "a source"
        switch machine.state.operation?.kind {
        case .build: return "\(what) is being mounted there: the attach shares its outcome"
        case .place, nil: return "\(what) is being put there: the attach shares its outcome"
        case .unmount: return "\(what) is being unmounted there: what is mounted afterwards is mounted anew"
        case .inspect: return "what is there is being looked at"
        case .orphan: return "a worker of an earlier daemon still acts there"
        }
    }
}
