// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
internal import Logging
internal import MountModel

/// That a filesystem does not answer, or answers with an error.
struct Silence {
    /// When it was noticed.
    let since: ContinuousClock.Instant
    /// What it answers.
    var refusal: MountError?
}

// Mounts that are there, and whose filesystems are not: their servers, or the processes that serve them.
extension MountManager {
    /// Asks those filesystems whose turn it is.
    func startProbes() {
        guard configuration.probes.interval != nil, !isStopping else { return }
        probes.refresh(at: .now)
        probeNext()
    }

    /// Has the schedule know whether the machine's mount is one to be asked.
    func scheduleProbes(of machine: Machine) {
        let id = machine.mountID
        guard id != machine.probedID else { return }
        if let earlier = machine.probedID { probes.remove(earlier) }
        machine.probedID = id
        // Whoever has mounted it asks an external one's server.
        guard let row = machine.state.row, let id, !row.source.isExternal,
            typesWithServer.contains(row.source.source.type)
        else { return }
        let server = configuration.catalog.server(of: row.source.source)
        probes.add(id, of: server, at: .now) { Double.random(in: 0..<1) }
    }

    private func probeNext() {
        while !isStopping, let id = probes.next() {
            guard let mountpoint = mountpointsByID[id], let machine = machines[mountpoint], machine.mountID == id,
                machine.state.phase == .mounted, machine.state.operation == nil
            else {
                endProbe(of: id, isSilent: false, isStuck: false)
                continue
            }
            let limit = configuration.probes.limit
            probing[id] = Task { [executor] in
                let result = await executor.probe(id, at: mountpoint, within: limit)
                note(result, of: id, at: mountpoint)
            }
        }
    }

    private func endProbe(of id: MountID, isSilent: Bool, isStuck: Bool) {
        probing[id] = nil
        probes.end(id, isSilent: isSilent, isStuck: isStuck, at: .now) { Double.random(in: 0..<1) }
    }

    private func note(_ result: ProbeResult, of id: MountID, at mountpoint: Mountpoint) {
        endProbe(of: id, isSilent: result.answer == .silent, isStuck: result.rest != nil)
        if let rest = result.rest {
            Task {
                await rest.value
                probes.free(id, at: .now)
                startProbes()
            }
        }
        if let machine = machines[mountpoint], machine.mountID == id, machine.state.seen == .ours {
            switch result.answer {
            case .answered: noteAnswer(of: machine)
            case .silent: noteSilence(of: machine, nil)
            case .refused(let error):
                noteSilence(of: machine, error)
                // Perhaps its process is no more.
                feed(.hint, to: machine)
            case .unknown: break
            }
        }
        probeNext()
    }

    /// The last process of a helper program has ended.
    func noteDeserted(_ id: MountID) {
        if let mountpoint = mountpointsByID[id], let machine = machines[mountpoint] { feed(.hint, to: machine) }
    }

    private func noteSilence(of machine: Machine, _ refusal: MountError?) {
        let isNews = machine.silence == nil
        machine.silence = Silence(since: machine.silence?.since ?? .now, refusal: refusal)
        guard isNews, let problem = silenceProblem(of: machine) else { return }
        logger.warning(
            "a mount does not answer: \(problem.message)",
            metadata: ["mountpoint": "\(machine.mountpoint)", "source": "\(machine.source, default: "")"])
    }

    private func noteAnswer(of machine: Machine) {
        guard machine.silence != nil else { return }
        machine.silence = nil
        logger.notice("a mount answers again", metadata: ["mountpoint": "\(machine.mountpoint)"])
    }

    /// What `list` and `show` say about a mount whose filesystem does not answer.
    func silenceProblem(of machine: Machine) -> MountError? {
        guard let silence = machine.silence else { return nil }
        if let refusal = silence.refusal { return refusal }
        let limit = configuration.probes.limit
        let seconds = (silence.since.duration(to: .now) + limit).components.seconds
        return MountError(
            .timedOut,
            "the filesystem at \(machine.mountpoint) has not answered for \(seconds) s: whoever uses it waits",
            context: context("probe", source: machine.source, at: machine.mountpoint),
            hint: "is its server there? It goes on by itself when the server is back; detach works meanwhile")
    }

    /// Ends what was parked, if nobody uses it any more; one attempt at a time, five seconds apart.
    func endParked() {
        guard let due = parkedAreDue, due <= .now, !configuration.isReadOnly, !isStopping else { return }
        parkedAreDue = nil
        endingParked = Task {
            await executor.endParked()
            parkedAreDue = .now + .seconds(5)
        }
    }

    /// The ids of all mounts that have a record.
    func recordedMounts() -> Set<MountID> { Set(machines.values.compactMap(\.mountID)) }
}
