// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
public import MountModel
internal import SystemPackage

extension MountManager {
    /// Attaches, mounting where need be; returns once the attachment is in the ledger and the mount is verified by its
    /// id.
    ///
    /// Cancelling the task withdraws the request.
    ///
    /// - Throws: `invalid_argument`, `conflict`, `mount_failed`, `foreign`, `busy`, `timed_out`, `cancelled`, `stuck`,
    ///   `resource_exhausted` or `unavailable`; the attachment is then not there. One that was there stays, and may
    ///   have become persistent if the mount was lost or covered while that was written.
    public nonisolated func attach(_ order: AttachOrder) async throws(MountError) -> AttachResult {
        // Counted from the request's arrival, not from when the actor comes to it.
        try await attach(order, until: .now + min(order.timeout, configuration.limits.requestTime))
    }

    private func attach(
        _ order: AttachOrder, until deadline: ContinuousClock.Instant
    ) async throws(MountError) -> AttachResult {
        let order = try marked(order)
        let mountpoint = try await mountpoint(for: order, until: deadline)
        try checkPlace(mountpoint, for: order.source)
        let reply = try await submit(
            owner: order.owner, key: order.key, source: order.source, secrets: order.secrets, lease: order.lease,
            at: mountpoint, until: deadline)
        switch reply {
        case .success(.attached(let mount, let attachment, let created)):
            return AttachResult(mount: mount, attachment: attachment, created: created)
        case .success(.detached):
            throw MountError(.internal, "an attach was answered as a detach")
        case .failure(let error):
            // What the failure leaves to be undone is undone before it is told, as far as the time suffices.
            if error.code != .cancelled, error.code != .timedOut {
                await wait(for: .settled, at: mountpoint, until: deadline)
            }
            throw error
        }
    }

    /// Ends an attachment and waits, within the timeout, for the mountpoint to come to rest.
    ///
    /// One that is not there is no error, and changes nothing.
    ///
    /// - Throws: `resource_exhausted` where the ledger could not take it, `timed_out`, `cancelled` or `unavailable`;
    ///   the attachment is then still there.
    public nonisolated func detach(
        _ key: AttachmentKey, from mountpoint: Mountpoint, owner: UInt32, timeout: Duration = .seconds(30)
    ) async throws(MountError) -> DetachResult {
        try await detach(
            key, from: mountpoint, owner: owner, until: .now + min(timeout, configuration.limits.requestTime))
    }

    private func detach(
        _ key: AttachmentKey, from mountpoint: Mountpoint, owner: UInt32, until deadline: ContinuousClock.Instant
    ) async throws(MountError) -> DetachResult {
        // A ledger that cannot be relied on does not say who is not attached.
        guard machines[mountpoint] != nil || configuration.isReadOnly else {
            try checkIsAccepting()
            return DetachResult(detached: false, phase: .absent)
        }
        let reply = try await submit(owner: owner, key: key, source: nil, at: mountpoint, until: deadline)
        let detached: Bool
        switch reply {
        case .success(.detached(let was)): detached = was
        case .success(.attached): throw MountError(.internal, "a detach was answered as an attach")
        case .failure(let error): throw error
        }
        if detached, machines[mountpoint]?.state.held.isEmpty == true {
            await wait(for: .settled, at: mountpoint, until: deadline)
        }
        let machine = machines[mountpoint]
        let phase = machine?.state.phase ?? .absent
        return DetachResult(detached: detached, phase: phase, problem: phase == .mounted ? nil : machine?.problem)
    }

    /// The mountpoint for a source where the caller names none.
    public nonisolated func defaultMountpoint(for source: MountSource) throws(MountError) -> Mountpoint {
        try Mountpoint("\(configuration.mountRoot.path)/\(Identifier.folder(for: source))")
    }

    // MARK: - Checks before anything changes

    /// Where the order's mount is, or is to be.
    func mountpoint(
        for order: AttachOrder, until deadline: ContinuousClock.Instant
    ) async throws(MountError) -> Mountpoint {
        if isExternal(order.source) { return try await externalMountpoint(for: order, until: deadline) }
        let mountpoint: Mountpoint
        if let named = order.mountpoint {
            mountpoint = named
        } else {
            mountpoint = try defaultMountpoint(for: order.source)
        }
        try checkIsBeneathRoot(mountpoint)
        return mountpoint
    }

    /// Whether others are in the way, at other mountpoints.
    func checkPlace(_ mountpoint: Mountpoint, for source: MountSource) throws(MountError) {
        if !isExternal(source) { try checkIsBeneathNoOther(mountpoint, for: source) }
        try checkSourceIsFree(source, for: mountpoint)
    }

    nonisolated func isExternal(_ source: MountSource) -> Bool {
        configuration.catalog.isExternal(source.type) == true
    }

    func checkIsAccepting() throws(MountError) {
        guard !isAccepting else { return }
        throw MountError(.unavailable, "the mount manager is not taking requests", hint: "try again in a moment")
    }

    private nonisolated func checkIsBeneathRoot(_ mountpoint: Mountpoint) throws(MountError) {
        let root = configuration.mountRoot.path
        guard mountpoint.path.starts(with: root), mountpoint.path != root else {
            throw .invalidArgument(
                "the mountpoint \(mountpoint) is not beneath the mount root \(root)",
                hint: "name a path beneath \(root), or none")
        }
    }

    /// A mountpoint in a mounted filesystem would keep that one from ever being unmounted.
    private func checkIsBeneathNoOther(
        _ mountpoint: Mountpoint, for source: MountSource
    ) throws(MountError) {
        var path = mountpoint.path.removingLastComponent()
        while path.starts(with: configuration.mountRoot.path), path != configuration.mountRoot.path {
            defer { path.removeLastComponent() }
            guard let above = try? Mountpoint(path.string), let other = machines[above]?.source else { continue }
            throw MountError(
                .conflict, "the mountpoint \(mountpoint) is beneath \(above), where \(other) is mounted",
                context: context("attach", source: source, at: mountpoint),
                hint: "choose one that is not beneath another, or leave it out")
        }
    }

    /// One device must not be mounted at two places by Holdfast: the kernel would share one superblock, silently with
    /// the first one's options, or two loop devices would write to one image. Nor may two overlays write to one folder.
    private func checkSourceIsFree(_ source: MountSource, for mountpoint: Mountpoint) throws(MountError) {
        let places = exclusivePlaces(of: source)
        guard !places.isEmpty, machines[mountpoint]?.state.row?.source.source != source else { return }
        for machine in machines.values where machine.mountpoint != mountpoint {
            guard machine.sources.contains(where: { !places.isDisjoint(with: exclusivePlaces(of: $0)) }) else {
                continue
            }
            throw MountError(
                .conflict,
                "cannot attach \(source) at \(mountpoint): it, or what it writes to, is mounted at "
                    + "\(machine.mountpoint)",
                context: context("attach", source: source, at: mountpoint),
                hint: "attach to it there: leave the mountpoint out, or name \(machine.mountpoint)")
        }
    }

    // MARK: - Requests and their ends

    /// Feeds an attach of the source, or a detach where there is none, and waits for its one answer.
    private func submit(
        owner: UInt32, key: AttachmentKey, source: MountSource?, secrets: [String: Secret] = [:],
        lease: Lease = .explicit, at mountpoint: Mountpoint, until deadline: ContinuousClock.Instant
    ) async throws(MountError) -> Reply {
        try checkIsAccepting()
        takeChanges()
        try checkLimits(key, source, at: mountpoint)
        let machine = machine(at: mountpoint)
        let id = RequestID(rawValue: nextNumber())
        let request: MountpointState.Request =
            if let source {
                .attach(
                    id, key: key, source: configuration.managed(source, at: mountpoint),
                    persistent: lease == .persistent)
            } else {
                .detach(id, key: key)
            }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isNew = source != nil && machine.attachments[key] == nil
                note(
                    WaitingRequest(
                        continuation: continuation, owner: owner, key: key, source: source, secrets: secrets,
                        isNew: isNew), id, at: machine)
                feed(.request(request), to: machine)
                startDeadline(of: id, at: machine, deadline)
            }
        } onCancel: {
            Task { await self.withdraw(id, at: mountpoint, because: .callerLeft) }
        }
    }

    func checkLimits(
        _ key: AttachmentKey, _ source: MountSource?, at mountpoint: Mountpoint
    ) throws(MountError) {
        let machine = machines[mountpoint]
        var waiting = machine?.waiting.count ?? 0
        // Attaches and detaches are counted apart, but only where it matters.
        if let machine, waiting >= configuration.limits.waitingAtMountpoint {
            waiting = machine.waiting.values.count { $0.isDetach == (source == nil) }
        }
        let admission = ManagerLimits.Admission(
            source: source, mountpoint: mountpoint, isNewMountpoint: machine == nil,
            isHeld: machine?.attachments[key] != nil, waitingThere: waiting)
        if let refusal = configuration.limits.refusal(of: admission, under: currentLoad) { throw refusal }
    }

    private func note(_ request: WaitingRequest, _ id: RequestID, at machine: Machine) {
        machine.waiting[id] = request
        count(request, 1)
        promote(machine)
    }

    private func count(_ request: WaitingRequest, _ difference: Int) {
        if request.isDetach { counts.waitingDetaches += difference } else { counts.waitingAttaches += difference }
        if request.isNew { counts.newAttaches += difference }
    }

    /// Most requests on a mount that exists are answered without a clock.
    private func startDeadline(of id: RequestID, at machine: Machine, _ deadline: ContinuousClock.Instant) {
        guard machine.waiting[id] != nil else { return }
        let mountpoint = machine.mountpoint
        machine.waiting[id]?.deadline = Task {
            guard await Deadline.passes(after: ContinuousClock.now.duration(to: deadline)) else { return }
            withdraw(id, at: mountpoint, because: .timedOut)
        }
    }

    func withdraw(_ id: RequestID, at mountpoint: Mountpoint, because reason: WaitingRequest.Withdrawal) {
        guard let machine = machines[mountpoint], machine.waiting[id] != nil else { return }
        machine.waiting[id]?.withdrawal = reason
        feed(.cancel(id), to: machine)
    }

    func reply(_ answer: MountpointState.Answer, to id: RequestID, of machine: Machine) {
        guard let request = machine.waiting.removeValue(forKey: id) else { return }
        count(request, -1)
        request.deadline?.cancel()
        request.continuation.resume(returning: reply(for: answer, to: request, of: machine))
    }

    private func reply(for answer: MountpointState.Answer, to request: WaitingRequest, of machine: Machine) -> Reply {
        switch answer {
        case .detached, .notAttached:
            return .success(.detached(answer == .detached))
        case .attached, .already:
            guard let mount = status(of: machine) else {
                return .failure(MountError(.internal, "an attach was answered without a mount"))
            }
            let attachment = machine.attachments[request.key] ?? Attachment(key: request.key, owner: request.owner)
            return .success(.attached(mount, attachment, created: answer == .attached))
        default:
            return .failure(
                failure(
                    of: answer, to: request.key, of: request.source, at: machine, withdrawal: request.withdrawal))
        }
    }

    /// Waits until the mountpoint is at rest, until the deadline, or until the caller's task is cancelled.
    public func waitForRest(at mountpoint: Mountpoint, within limit: Duration) async {
        await wait(for: .rest, at: mountpoint, until: .now + limit)
    }

    func wait(for goal: Watcher.Goal, at mountpoint: Mountpoint, until deadline: ContinuousClock.Instant) async {
        guard let machine = machines[mountpoint], goal == .rest ? !machine.isAtRest : !machine.isSettled else { return }
        let number = nextNumber()
        let clock = Task {
            guard await Deadline.passes(after: ContinuousClock.now.duration(to: deadline)) else { return }
            giveUpWatching(number, at: mountpoint)
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { add(Watcher(goal: goal, continuation: $0), number: number, to: machine) }
        } onCancel: {
            Task { await giveUpWatching(number, at: mountpoint) }
        }
        clock.cancel()
    }

    /// A method, because a closure that does not use the actor does not run on it.
    private func add(_ watcher: Watcher, number: UInt64, to machine: Machine) {
        machine.watchers[number] = watcher
        promote(machine)
        noteRest(of: machine)
    }

    private func giveUpWatching(_ number: UInt64, at mountpoint: Mountpoint) {
        machines[mountpoint]?.watchers.removeValue(forKey: number)?.continuation.resume()
    }
}
