// SPDX-License-Identifier: Apache-2.0

import MountTestSupport
import Testing

/// The simulation against Linux: one world at a time, for each looks for descriptors and mounts that are left.
@Suite(.serialized) enum Conformance {}

extension Conformance {
    @Suite struct ConformanceTests {
        @Test(.timeLimit(.minutes(5)), arguments: Scenario.all)
        func `both kernels show the same`(_ scenario: Scenario) async throws {
            let comparison = try await Comparison(of: scenario.steps.map(\.step))
            for (number, (step, answer)) in scenario.steps.enumerated() {
                #expect(comparison.linux[number].answer == answer, "Linux, \(number). \(step)")
                #expect(comparison.simulated[number].answer == answer, "the simulation, \(number). \(step)")
            }
            if let report = comparison.report { Issue.record("\(report)") }
        }

        @Test func `every scenario has a sentence of its own`() {
            #expect(Set(Scenario.all.map(\.sentence)).count == Scenario.all.count)
        }
    }
}
