// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import MountExplorer

/// Explores the state machine of a mountpoint exhaustively and prints what that took.
@main
struct MountExplorerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mount-explorer",
        abstract: "Tries every course of events of a mountpoint within bounds and checks that nothing goes wrong.",
        discussion: """
            Exits with 1 if something does, and prints the shortest way there. Worth building with \
            swift build -c release -Xswiftc -cross-module-optimization, which makes it three times as fast.
            """)

    @Option(
        help:
            "A row of the table of scenarios, from 1; may be given several times. Those of every commit if none is given."
    )
    var row: [Int] = []

    @Flag(help: "Explore all rows, also those that take minutes and gigabytes.")
    var long = false

    @Option(help: "How many rungs the unmount ladder has, from 1 to 3; else what the row says.")
    var rungs: Int?

    func validate() throws {
        for number in row where !Scenario.rows.indices.contains(number - 1) {
            throw ValidationError("there are rows 1 to \(Scenario.rows.count)")
        }
        if let rungs, !(1...3).contains(rungs) { throw ValidationError("the ladder has 1 to 3 rungs") }
    }

    private func scenario(_ number: Int) -> Scenario {
        var scenario = Scenario.rows[number - 1]
        if let rungs { scenario.rungs = rungs }
        return scenario
    }

    func run() throws {
        let numbers = row.isEmpty ? Array(1...(long ? Scenario.rows : Scenario.everyCommit).count) : row
        if !explore(numbers) { throw ExitCode(1) }
    }

    private func explore(_ numbers: [Int]) -> Bool {
        var isGood = true
        for number in numbers {
            let scenario = scenario(number)
            print("row \(number): \(scenario)")
            var explorer = Explorer(scenario)
            let clock = ContinuousClock()
            let began = clock.now
            let report = explorer.run()
            let took = began.duration(to: clock.now)
            print(
                "  \(report.states) states, \(report.transitions) transitions, depth \(report.depth), \(seconds(took)) s"
            )
            if let violation = report.violation {
                print("  \(violation)")
                isGood = false
            }
        }
        return isGood
    }

    private func seconds(_ duration: Duration) -> String {
        let hundredths = duration.components.seconds * 100 + duration.components.attoseconds / 10_000_000_000_000_000
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
    }
}
