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

    @Option(help: "A row of the table of scenarios, from 1; may be given several times. All of them if none is given.")
    var row: [Int] = []

    @Option(help: "How many rungs the unmount ladder has, from 1 to 3.")
    var rungs = 1

    @Flag(help: "Explore the defects that the explorer must find, each in the rows' order until it is found.")
    var mutants = false

    func validate() throws {
        for number in row where !Scenario.rows.indices.contains(number - 1) {
            throw ValidationError("there are rows 1 to \(Scenario.rows.count)")
        }
        if !(1...3).contains(rungs) { throw ValidationError("the ladder has 1 to 3 rungs") }
    }

    private func scenario(_ number: Int) -> Scenario {
        var scenario = Scenario.rows[number - 1]
        scenario.rungs = rungs
        return scenario
    }

    func run() throws {
        let numbers = row.isEmpty ? Array(1...Scenario.rows.count) : row
        let isGood = mutants ? huntMutants(numbers) : explore(numbers)
        if !isGood { throw ExitCode(1) }
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

    private func huntMutants(_ numbers: [Int]) -> Bool {
        var isGood = true
        for mutant in Mutant.all {
            var found: (row: Int, report: Explorer.Report)?
            for number in numbers where found == nil {
                var explorer = Explorer(scenario(number), mutant: mutant)
                let report = explorer.run()
                if report.violation != nil { found = (number, report) }
            }
            if let found, let violation = found.report.violation {
                print("\(mutant.name): row \(found.row), depth \(found.report.depth), check \(violation.check)")
            } else {
                print("\(mutant.name): NOT FOUND")
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
