// SPDX-License-Identifier: Apache-2.0

import MountTestSupport

/// The same steps on the simulation and on Linux.
struct Comparison {
    let steps: [Step]
    let simulated: [Observation]
    let linux: [Observation]

    /// Runs both.
    init(of steps: [Step]) async throws {
        self.steps = steps
        let interlude = Interlude()
        var onSimulation = Course(try SimulatedWorld(interlude), interlude)
        let simulated = try await onSimulation.go(steps)
        let real = Interlude()
        var linux: [Observation] = []
        try await LinuxWorld.with(files: try Images.files(), real) { world in
            var onLinux = Course(world, real)
            linux = try await onLinux.go(steps, expectedLoopDevices: simulated.map(\.loopDevices))
            if !world.tellsMounts {
                for index in linux.indices where !linux[index].changes.isEmpty { linux[index].changes = ["everything"] }
            }
        }
        self.simulated = simulated
        self.linux = linux
    }

    /// The first step after which the two show something different.
    var firstDifference: Int? { steps.indices.first { simulated[$0] != linux[$0] } }

    /// That difference, and how it came to it.
    var report: String? {
        guard let difference = firstDifference else { return nil }
        let before = steps[...difference].enumerated().map { "\($0). \($1)  [\(linux[$0].answer)]" }
        return (before + ["Linux:      \(linux[difference])", "simulation: \(simulated[difference])"])
            .joined(separator: "\n")
    }
}
