// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension Conformance {
    /// Random sequences on both kernels. A failure names its seed: HOLDFAST_DIFFERENTIAL_SEED runs that one alone,
    /// HOLDFAST_DIFFERENTIAL_RUNS as many as one has time for, from HOLDFAST_DIFFERENTIAL_FIRST on.
    @Suite struct DifferentialTests {
        @Test(.timeLimit(.minutes(60))) func `random sequences show the same on both kernels`() async throws {
            let environment = ProcessInfo.processInfo.environment
            let seed = environment["HOLDFAST_DIFFERENTIAL_SEED"].flatMap(UInt64.init)
            let runs = environment["HOLDFAST_DIFFERENTIAL_RUNS"].flatMap(UInt64.init) ?? 200
            let first = environment["HOLDFAST_DIFFERENTIAL_FIRST"].flatMap(UInt64.init) ?? 1
            for seed in seed.map({ $0...$0 }) ?? first...(first + runs - 1) {
                var random = RandomSteps(seed: seed)
                let comparison: Comparison
                do {
                    comparison = try await Comparison(of: random.sequence(count: 24))
                } catch {
                    Issue.record("seed \(seed): \(error)")
                    return
                }
                guard let difference = comparison.firstDifference else { continue }
                let shortest = try await shrink(Array(comparison.steps[...difference])) ?? comparison
                Issue.record("seed \(seed)\n\(shortest.report ?? "")")
                return
            }
        }

        /// Leaves out one step after the other, from the end, as long as the two still differ.
        private func shrink(_ steps: [Step]) async throws -> Comparison? {
            var shortest: Comparison?
            var steps = steps
            for index in steps.indices.reversed() {
                var fewer = steps
                fewer.remove(at: index)
                let comparison = try await Comparison(of: fewer)
                guard let difference = comparison.firstDifference else { continue }
                steps = Array(fewer[...max(difference, index - 1)])
                shortest = comparison
            }
            return shortest
        }
    }
}
