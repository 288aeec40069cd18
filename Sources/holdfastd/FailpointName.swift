// SPDX-License-Identifier: Apache-2.0

#if DEBUG
    internal import Ledger
    internal import LinuxMount
    internal import MountManager
    internal import MountWorker

    /// The names of the points at which a debug build can be stopped or killed: all steps of its parts, so that none
    /// that is added there can be forgotten here.
    enum FailpointName {
        /// All names, sorted.
        static let all =
            (ExecutorSteps.Step.allCases.map(name) + KernelSteps.Point.all.map(\.name)
            + LedgerSteps.Step.allCases.map(name)).sorted()

        static func name(_ step: ExecutorSteps.Step) -> String { "executor.\(step.rawValue)" }

        static func name(_ step: LedgerSteps.Step) -> String {
            switch step {
            case .begun: "commit.begun"
            case .betweenChanges: "commit.mid"
            case .beforeCommit: "commit.before"
            case .afterCommit: "commit.after"
            case .beforeOverwrite: "overwrite.before"
            case .afterOverwrite: "overwrite.after"
            }
        }
    }
#endif
