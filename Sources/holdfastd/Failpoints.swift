// SPDX-License-Identifier: Apache-2.0

internal import Ledger
internal import MountManager
internal import MountModel

#if DEBUG
    internal import ArgumentParser
    internal import Foundation
    internal import LinuxMount
    internal import NIOConcurrencyHelpers

    /// Where this process ends, or stops, by itself: how the crash tests get between any two steps. Debug builds only.
    ///
    /// `HOLDFAST_FAILPOINT` has a list of `NAME[:N][=kill|stop]`, separated by commas: at the N-th time (by default the
    /// first) that the point is reached, the process is sent SIGKILL, or the thread that reached it SIGSTOP, which
    /// stops all. `any` counts all points together. To the file that `HOLDFAST_FAILPOINTS_REACHED` names, each point's
    /// name is appended when it is reached for the first time.
    struct Failpoints: Sendable {
        static let commands: [any ParsableCommand.Type] = [FailpointsCommand.self]

        private let state: NIOLockedValueBox<State>

        private struct State {
            var plan: [FailpointTrigger]
            var reached: Set<String> = []
            /// -1 where none is wanted. Kept open: the process ends without a chance to write later.
            var record: CInt = -1
        }

        /// Reads both variables.
        ///
        /// - Throws: `invalid_argument` for what is not a failpoint.
        static func fromEnvironment() throws(MountError) -> Failpoints {
            let environment = ProcessInfo.processInfo.environment
            var state = State(plan: try FailpointTrigger.list(environment["HOLDFAST_FAILPOINT"] ?? ""))
            if let path = environment["HOLDFAST_FAILPOINTS_REACHED"] {
                state.record = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
                guard state.record >= 0 else {
                    throw .invalidArgument("cannot open \(path): \(String(cString: strerror(errno)))")
                }
            }
            return Failpoints(state: NIOLockedValueBox(state))
        }

        var executorSteps: ExecutorSteps {
            ExecutorSteps(kernel: KernelSteps { reach($0.name) }) { reach(FailpointName.name($0)) }
        }

        var ledgerSteps: LedgerSteps { LedgerSteps { reach(FailpointName.name($0)) } }

        private func reach(_ name: String) {
            let action = state.withLockedValue { state in
                if state.record >= 0, state.reached.insert(name).inserted {
                    let line = Array("\(name)\n".utf8)
                    // Nobody can be told; a name that is missing is noticed by who reads the file.
                    _ = write(state.record, line, line.count)
                }
                var action: FailpointTrigger.Action?
                for index in state.plan.indices where state.plan[index].counts(name) {
                    action = action ?? state.plan[index].action
                }
                return action
            }
            switch action {
            case .kill: kill(getpid(), SIGKILL)
            case .stop: raise(SIGSTOP)
            case nil: break
            }
        }
    }

    /// One failpoint that is armed.
    struct FailpointTrigger {
        enum Action: String { case kill, stop }

        let name: String
        let action: Action
        private var left: Int

        /// Reads a list; an empty text is an empty one.
        static func list(_ text: String) throws(MountError) -> [FailpointTrigger] {
            var list: [FailpointTrigger] = []
            for item in text.split(separator: ",") {
                let halves = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                let parts = halves[0].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                let name = String(parts[0])
                guard name == FailpointName.any || FailpointName.all.contains(name),
                    let left = parts.count == 1 ? 1 : Int(parts[1]), left > 0,
                    let action = halves.count == 1 ? .kill : Action(rawValue: String(halves[1]))
                else {
                    throw .invalidArgument(
                        "HOLDFAST_FAILPOINT: '\(InputText.quoted(String(item)))' is not NAME[:N][=kill|stop]",
                        hint: "'holdfastd failpoints' lists the names")
                }
                list.append(FailpointTrigger(name: name, action: action, left: left))
            }
            return list
        }

        /// Takes note that a point was reached; true once, when it is this one's turn.
        mutating func counts(_ reached: String) -> Bool {
            guard left > 0, name == reached || name == FailpointName.any else { return false }
            left -= 1
            return left == 0
        }
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
    }
#endif
