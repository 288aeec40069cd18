// SPDX-License-Identifier: Apache-2.0

import MountExplorer
import MountModel
import Testing

@Suite struct ExplorerTests {
    @Test func `the first row is explored without a violation`() {
        var explorer = Explorer(Scenario.rows[0])
        let report = explorer.run()
        #expect(report.violation == nil, "\(report.violation.map(\.description) ?? "")")
        #expect(report.states > 20_000)
        #expect(report.depth > 20)
    }

    @Test(arguments: Mutant.all)
    func `every mutant is found`(mutant: Mutant) throws {
        var explorer = Explorer(
            Scenario(consumers: 2, volumes: 1, sources: 1, outstanding: 2, crashes: 1, reboots: 1, outsiders: 1),
            mutant: mutant)
        let violation = try #require(explorer.run().violation, "\(mutant.name) was not found")
        #expect(violation.trace.contains { $0.contains("← check \(violation.check)") })
    }

    @Test func `the mutants are told apart by name`() {
        #expect(Set(Mutant.all.map(\.name)).count == Mutant.all.count)
        #expect(Mutant.all.count >= 8)
    }
}
