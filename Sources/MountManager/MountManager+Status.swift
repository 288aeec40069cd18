// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// One mountpoint as the manager sees it.
public struct MountStatus: Hashable, Sendable {
    /// Where it is.
    public var mountpoint: Mountpoint
    /// What is mounted there, or what is being mounted.
    public var source: MountSource
    /// The state's name.
    public var phase: MountpointState.Phase
    /// The kernel's id, as far as it is recorded.
    public var mountID: MountID?
    /// Why the last operation did not end as it was wanted.
    public var problem: MountError?
    /// Whether its filesystem did not answer the last question, or with an error.
    public var isUnresponsive: Bool

    /// The state's name, for people and for the API: the phase, or `unresponsive` for a mount that is there and does
    /// not answer.
    public var state: String { isUnresponsive && phase == .mounted ? "unresponsive" : phase.rawValue }

    /// Puts the parts together.
    public init(
        mountpoint: Mountpoint, source: MountSource, phase: MountpointState.Phase, mountID: MountID? = nil,
        problem: MountError? = nil, isUnresponsive: Bool = false
    ) {
        self.mountpoint = mountpoint
        self.source = source
        self.phase = phase
        self.mountID = mountID
        self.problem = problem
        self.isUnresponsive = isUnresponsive
    }
}

extension MountManager {
    /// A mountpoint with its attachments.
    public struct Listing: Hashable, Sendable {
        /// The mountpoint.
        public var status: MountStatus
        /// What the ledger holds for it, sorted by key.
        public var attachments: [Attachment]
    }

    /// A mountpoint and what the kernel says about it.
    public struct Verification: Hashable, Sendable {
        /// The mountpoint.
        public var status: MountStatus
        /// The kernel's word.
        public var examination: Examination
    }

    /// All mountpoints that have, or are getting, a mount; sorted by path.
    public func list() -> [Listing] {
        takeChanges()
        return machines.values.compactMap { listing(of: $0) }.sorted { $0.status.mountpoint < $1.status.mountpoint }
    }

    /// One mountpoint, or nil where there is nothing.
    public func listing(at mountpoint: Mountpoint) -> Listing? {
        takeChanges()
        return machines[mountpoint].flatMap { listing(of: $0) }
    }

    /// How many requests of this mountpoint have no answer yet.
    public func waitingCount(at mountpoint: Mountpoint) -> Int { machines[mountpoint]?.waiting.count ?? 0 }

    /// Where this key is attached, or about to be, to a source that matches; more than one where there are several.
    public func mountpoints(holding key: AttachmentKey, where matches: (MountStatus) -> Bool) -> [Mountpoint] {
        machines.values.filter { machine in
            var sources = machine.waiting.values.filter { $0.key == key }.compactMap(\.source)
            if machine.state.held.contains(key), let row = machine.state.row { sources.append(row.source.source) }
            return sources.contains { matches(status(of: machine, showing: $0)) }
        }.map(\.mountpoint).sorted()
    }

    /// Asks the kernel about every recorded mount, now; a difference is also a hint to the mountpoint's state machine.
    public func verify() async -> [Verification] {
        let patience = ContinuousClock.now + .seconds(1)
        var verifications: [Verification] = []
        for machine in machines.values.sorted(by: { $0.mountpoint < $1.mountpoint }) {
            if machine.state.row == nil { continue }
            // What is under way is neither right nor wrong yet. What has been so for long may be so for ever.
            let isSlow =
                machine.state.operation?.isStuck == true
                || machine.operation?.progress.isRunning(sinceBefore: .now - .seconds(1)) == true
            if !isSlow { await wait(for: .rest, at: machine.mountpoint, until: patience) }
            guard let row = machine.state.row, let status = status(of: machine) else { continue }
            var examination = Examination(.unknown, found: "an operation is under way")
            if machine.isAtRest, !machine.state.isPurging {
                examination = await executor.examine(machine.mountpoint, expecting: row.id, of: row.source.source)
            }
            // It may have been released, or mounted again, in the meantime.
            guard machines[machine.mountpoint]?.state.row == row else { continue }
            if examination.result == .ok, machine.silence != nil, let problem = silenceProblem(of: machine) {
                examination = Examination(.unresponsive, found: "\(examination.found); \(problem.message)")
            } else if examination.result == .drifted {
                _ = await lookForDrift()
            } else if examination.result != .ok {
                machines[machine.mountpoint].map { feed(.hint, to: $0) }
            }
            verifications.append(Verification(status: status, examination: examination))
        }
        return verifications
    }

    func status(of machine: Machine) -> MountStatus? {
        machine.source.map { status(of: machine, showing: $0) }
    }

    private func status(of machine: Machine, showing source: MountSource) -> MountStatus {
        let phase = machine.state.phase
        return MountStatus(
            mountpoint: machine.mountpoint, source: source, phase: phase, mountID: machine.mountID,
            problem: problem(of: machine, in: phase), isUnresponsive: machine.silence != nil)
    }

    private func problem(of machine: Machine, in phase: MountpointState.Phase) -> MountError? {
        switch phase {
        case .mounted, .settling: silenceProblem(of: machine) ?? driftProblem(of: machine)
        case .lost where machine.hasInlineSecret: secretLossProblem(of: machine)
        case .lost: machine.problem ?? lossProblem(of: machine)
        case .stuck: stuckProblem(of: machine)
        case .mounting where machine.isBuildWaiting: takenBuilds(for: machine)
        default: machine.problem
        }
    }

    func listing(of machine: Machine) -> Listing? {
        guard let status = status(of: machine) else { return nil }
        return Listing(status: status, attachments: machine.attachments.values.sorted { $0.key < $1.key })
    }
}
