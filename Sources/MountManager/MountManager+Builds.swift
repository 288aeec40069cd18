// SPDX-License-Identifier: Apache-2.0

public import MountModel

// Who has the builds, where none is left.
extension MountManager {
    /// What is said where all builds are taken, and none of them has ended for ten seconds; nil where that is not so.
    public func hungBuilds() -> MountError? {
        let before = ContinuousClock.now - .seconds(10)
        let hung = builders.filter { machine in
            machine.state.operation?.isStuck == true
                || machine.operation?.progress.isRunning(sinceBefore: before) == true
        }
        guard hung.count >= configuration.limits.operationsAtOnce else { return nil }
        return allTaken()
    }

    /// What is said of a build that waits for its turn, where all are taken, or all that its server may have.
    func takenBuilds(for machine: Machine) -> MountError? {
        guard let server = machine.operation?.turn.server, lanes[.sources]?.isTaken(by: server) == true else {
            return allTaken()
        }
        let theirs = builders.filter { $0.operation?.turn.server == server }
        return MountError(
            .resourceExhausted,
            "all of the \(configuration.limits.operationsPerServer) builds that there may be at once from \(server) "
                + "are taken by others: \(names(of: theirs))",
            context: MountError.Context(operation: "build"),
            hint: "is \(server) there? It keeps nobody waiting who wants something of another")
    }

    private func allTaken() -> MountError? {
        guard lanes[.sources]?.isFull == true else { return nil }
        let limit = configuration.limits.operationsAtOnce
        return MountError(
            .resourceExhausted,
            "all of the \(limit) builds that there may be at once are taken by others: \(names(of: builders))",
            context: MountError.Context(operation: "build"),
            hint: """
                see what those wait for: is the server, or the device, there? One past its deadline ends when the \
                kernel lets go of its worker; until then a restart with more 'threads' helps
                """)
    }

    private func names(of machines: [Machine]) -> String {
        let names = machines.map { "\($0.source?.description ?? "a source") at \($0.mountpoint)" }.sorted()
        return names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", …" : "")
    }

    private var builders: [Machine] {
        lanes[.sources]?.underWay.values.compactMap { turn in turn.mountpoint.flatMap { machines[$0] } } ?? []
    }
}
