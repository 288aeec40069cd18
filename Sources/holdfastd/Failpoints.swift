// SPDX-License-Identifier: Apache-2.0

internal import Ledger
internal import MountManager
internal import MountModel

#if DEBUG
    internal import ArgumentParser
    internal import LinuxMount
    internal import MountWorker

    /// The debug build's failpoints, as the daemon's parts have them.
    struct Failpoints: Sendable {
        static let commands: [any ParsableCommand.Type] = [FailpointsCommand.self]

        private let plan: FailpointPlan

        /// Reads the variables.
        ///
        /// - Throws: `invalid_argument` for what is not a failpoint.
        static func fromEnvironment() throws(MountError) -> Failpoints {
            Failpoints(plan: try FailpointPlan.ofDaemon(isKnown: FailpointName.all.contains))
        }

        var executorSteps: ExecutorSteps {
            ExecutorSteps(kernel: KernelSteps { [plan] in plan.reach($0.name) }) { [plan] in
                plan.reach(FailpointName.name($0))
            }
        }

        var ledgerSteps: LedgerSteps { LedgerSteps { [plan] in plan.reach(FailpointName.name($0)) } }

        var workerEnvironment: [String] { plan.workerEnvironment }
    }

    /// `holdfastd failpoints`: the names that `HOLDFAST_FAILPOINT` takes.
    struct FailpointsCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "failpoints", abstract: "List the points at which a debug build can be stopped or killed.",
            shouldDisplay: false)

        func run() {
            for name in FailpointName.all { print(name) }
        }
    }
#else
    internal import ArgumentParser

    /// Release builds have none.
    struct Failpoints: Sendable {
        static let commands: [any ParsableCommand.Type] = []

        static func fromEnvironment() throws(MountError) -> Failpoints { Failpoints() }

        var executorSteps: ExecutorSteps { .none }
        var ledgerSteps: LedgerSteps { .none }
        var workerEnvironment: [String] { [] }
    }
#endif
