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
        return takenBuilds()
    }

    /// What is said of a build that waits for its turn, where all are taken.
    func takenBuilds() -> MountError? {
        guard lanes[.sources]?.isFull == true else { return nil }
        let limit = configuration.limits.operationsAtOnce
        let names = builders.map { "\($0.source?.description ?? "a source") at \($0.mountpoint)" }.sorted()
        let shown = names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", …" : "")
        return MountError(
            .resourceExhausted, "all of the \(limit) builds that there may be at once are taken by others: \(shown)",
            context: MountError.Context(operation: "build"),
            hint: """
                see what those wait for: is the server, or the device, there? One past its deadline ends when the \
                kernel lets go of its worker; until then a restart with more 'threads' helps
                """)
    }

    private var builders: [Machine] {
        machines.values.filter { $0.operation?.turn.lane == .sources && $0.operation?.turn.state == .running }
    }
}
