// SPDX-License-Identifier: Apache-2.0

internal import MountModel
internal import SystemPackage

extension MountManager {
    /// Turns a machine's refusal of an attach of the source, or of a detach where there is none, into an error that
    /// says why, as far as the shell knows, and what to do.
    func failure(
        of answer: MountpointState.Answer, to key: AttachmentKey, of source: MountSource?, at machine: Machine,
        withdrawal: WaitingRequest.Withdrawal? = nil
    ) -> MountError {
        let verb = source == nil ? "detach" : "attach"
        let context = context(verb, source: source ?? machine.source, at: machine.mountpoint)
        let subject =
            source.map { "cannot attach \($0) at \(machine.mountpoint)" }
            ?? "cannot detach \(key) from \(machine.mountpoint)"
        switch answer {
        case .attached, .already, .detached, .notAttached:
            return MountError(.internal, "\(subject): answered as a success", context: context)
        case .cancelled:
            return withdrawn(withdrawal, isDetach: source == nil, at: machine, subject: subject, context: context)
        case .mountFailed:
            return machine.problem ?? MountError(.mountFailed, subject, context: context)
        case .conflict:
            return conflict(subject, of: source, with: machine, context: context)
        case .foreign:
            return foreign(subject, at: machine, context: context)
        case .busy:
            return MountError(
                .busy,
                "\(subject): \(machine.source.map(\.description) ?? "another source") is still mounted there and in "
                    + "use",
                context: machine.problem?.context ?? context,
                hint: "end what uses it, or choose another mountpoint")
        case .stuck:
            return MountError(
                .stuck, "\(subject): an operation of this mountpoint is past its deadline in the kernel",
                context: context,
                hint:
                    "see what it waits for (the server? the device?); other mountpoints go on as long as 'builds' in "
                    + "'holdfast status' are left")
        case .readOnly:
            return configuration.readOnlyReason?.refusal(subject, context: context)
                ?? MountError(
                    .unavailable, "\(subject): the ledger cannot be written, so nothing is changed", context: context,
                    hint: "'holdfast doctor' says why, and what to do")
        case .exhausted:
            return machine.ledgerProblem
                ?? MountError(.resourceExhausted, "\(subject): the ledger could not take it", context: context)
        }
    }

    func context(_ operation: String, source: MountSource?, at mountpoint: Mountpoint) -> MountError.Context {
        MountError.Context(
            operation: operation, type: source?.type.rawValue, source: source?.source, target: mountpoint.path.string)
    }

    /// What is said of an operation that is past its deadline.
    func stuckProblem(of machine: Machine) -> MountError {
        let source = machine.source?.description ?? "a source"
        let (operation, what) =
            switch machine.state.operation?.kind {
            case .build: ("build", "mounting \(source) at \(machine.mountpoint)")
            case .place: ("place", "placing the mount of \(source) at \(machine.mountpoint)")
            case .unmount: ("unmount", "unmounting \(machine.mountpoint)")
            case .orphan: ("recover", "what a worker of an earlier daemon does at \(machine.mountpoint)")
            case .inspect, nil: ("inspect", "looking at \(machine.mountpoint)")
            }
        return MountError(
            .stuck, "\(what) is past its deadline, and the kernel does not let go of it",
            context: context(operation, source: machine.source, at: machine.mountpoint),
            hint: """
                see what it waits for: is the server, or the device, there? It ends when the kernel lets go of it, and \
                nothing else has to be done then; 'detach' works meanwhile
                """)
    }

    private func withdrawn(
        _ withdrawal: WaitingRequest.Withdrawal?, isDetach: Bool, at machine: Machine, subject: String,
        context: MountError.Context
    ) -> MountError {
        if withdrawal == .timedOut, !isDetach, machine.isBuildWaiting,
            let taken = takenBuilds(for: machine)
        {
            return MountError(
                .timedOut, "\(subject): it was not begun within the time that was given: \(taken.message)",
                context: context, hint: taken.hint)
        }
        return switch withdrawal {
        case .timedOut:
            MountError(
                .timedOut, "\(subject): it was not done within the time that was given", context: context,
                hint: isDetach
                    ? "the attachment is still there; try again"
                    : "nothing is left behind; is the source reachable? a longer timeout may help")
        case .callerLeft:
            MountError(.cancelled, "\(subject): the caller withdrew the request", context: context)
        case .stopping:
            MountError(
                .unavailable, "\(subject): the mount manager is stopping", context: context,
                hint: "try again when it is back")
        case nil:
            MountError(
                .cancelled, "\(subject): a detach of the same consumer and volume came in the meantime",
                context: context)
        }
    }

    /// Names who holds the mountpoint, and with what.
    private func conflict(
        _ subject: String, of source: MountSource?, with machine: Machine, context: MountError.Context
    ) -> MountError {
        let holders = machine.attachments.keys.map(\.consumer.name).sorted()
        let shown = holders.prefix(5).joined(separator: ", ") + (holders.count > 5 ? ", …" : "")
        let holder = machine.source.map(\.description) ?? "another source"
        if let source, machine.source?.differsInCredentialsOnly(from: source) == true {
            return MountError(
                .conflict,
                "\(subject): it is mounted" + (holders.isEmpty ? "" : " for \(shown)")
                    + " with another secret, or with one that cannot be compared, because the daemon was started anew "
                    + "since",
                context: context,
                hint: "bring the same secret, detach its consumers first, or choose another mountpoint")
        }
        return MountError(
            .conflict, "\(subject): it holds \(holder)" + (holders.isEmpty ? "" : " for \(shown)"), context: context,
            hint:
                "ask for the same source and options, wait until its consumers have left, or choose another mountpoint")
    }

    private func foreign(_ subject: String, at machine: Machine, context: MountError.Context) -> MountError {
        if let problem = machine.problem { return problem }
        return MountError(
            .foreign, "\(subject): something that Holdfast did not mount is there", context: context,
            hint:
                "see it with 'findmnt \(machine.mountpoint)'; it is never touched: unmount it yourself, or choose "
                + "another mountpoint"
        )
    }
}
