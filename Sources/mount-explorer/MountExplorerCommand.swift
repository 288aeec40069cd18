// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import MountExplorer

/// Explores the state machine of a mountpoint exhaustively and prints what that took.
@main
struct MountExplorerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mount-explorer",
        abstract: "Tries every course of events of a mountpoint within bounds and checks that nothing goes wrong.",
        discussion: """
            Exits with 1 if something does, and prints the shortest way there. Worth building with \
            swift build -c release -Xswiftc -cross-module-optimization, which makes it three times as fast.
            """)

    @Option(
        help:
            """
            A row of the table of scenarios, from 1; may be given several times. Those of every commit if none is \
            given.
            """
    )
    var row: [Int] = []

    @Flag(help: "Explore all rows, also those that take minutes and gigabytes.")
    var long = false

    @Option(help: "How many rungs the unmount ladder has, from 1 to 3; else what the row says.")
    var rungs: Int?

    @Option(help: "How many rows to explore at a time, each on a core of its own.")
    var jobs = 2

    func validate() throws {
        if jobs < 1 { throw ValidationError("at least one row has to be explored at a time") }
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

    func run() async throws {
        let numbers = row.isEmpty ? Array(1...(long ? Scenario.rows : Scenario.everyCommit).count) : row
        if !(await explore(numbers)) { throw ExitCode(1) }
    }

    /// Explores the rows, some at a time, and prints each as it ends; says whether all is well.
    private func explore(_ numbers: [Int]) async -> Bool {
        var waiting = numbers.makeIterator()
        return await withTaskGroup(of: Result.self) { group in
            func begin() {
                guard let number = waiting.next() else { return }
                let scenario = scenario(number)
                group.addTask { Result(number, scenario) }
            }
            for _ in 0..<jobs { begin() }
            var isGood = true
            for await result in group {
                print(result.text)
                if result.report.violation != nil { isGood = false }
                begin()
            }
            return isGood
        }
    }

    /// What became of one row.
    private struct Result: Sendable {
        let text: String
        let report: Explorer.Report

        init(_ number: Int, _ scenario: Scenario) {
            let clock = ContinuousClock()
            let began = clock.now
            var explorer = Explorer(scenario)
            report = explorer.run()
            let took = began.duration(to: clock.now) / .milliseconds(1)
            text = """
                row \(number): \(scenario)
                  \(report.states) states, \(report.transitions) transitions, depth \(report.depth), \(Int(took)) ms
                """ + (report.violation.map { "\n  \($0)" } ?? "")
        }
    }
}
