// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import holdfast_torture

/// The soak's rule, on made-up series: it must fail for each kind of leak, and not for what is none.
@Suite struct GrowthJudgeTests {
    private let judge = GrowthJudge(warmUp: 120, limit: 64)

    /// Ten minutes, a sample a second: it grows for a minute, then as `extra` says.
    private func memory(_ extra: (Int) -> Int) -> [ProcessSample] {
        (0..<600).map { second in
            let noise = (second * 7919) % 97
            return sample(second, privateKiB: 20_000 + min(second, 60) * 100 + noise + extra(second))
        }
    }

    private func pauses(_ change: (inout ProcessSample, Int) -> Void = { _, _ in }) -> [ProcessSample] {
        stride(from: 20, through: 600, by: 20).map { second in
            var pause = sample(second, privateKiB: 26_000)
            change(&pause, second)
            return pause
        }
    }

    private func sample(_ second: Int, privateKiB: Int) -> ProcessSample {
        ProcessSample(
            second: Double(second), privateKiB: privateKiB, residentKiB: privateKiB + 20_000, threads: 40,
            descriptors: ["socket": 1, "/state/ledger.sqlite": 1])
    }

    @Test func aProcessThatStaysAsItIsPasses() {
        #expect(judge.complaints(loaded: memory { _ in 0 }, pauses: pauses()).isEmpty)
    }

    @Test func spikesAndShrinkingAreNoLeak() {
        #expect(judge.complaints(loaded: memory { $0 % 50 == 0 ? 8_000 : 0 }, pauses: pauses()).isEmpty)
        #expect(judge.complaints(loaded: memory { -$0 * 4 }, pauses: pauses()).isEmpty)
    }

    @Test func slowLeaksOfMemoryAreFound() {
        // A hundred KiB a minute, steadily and in steps of a page table's size.
        let steady = judge.complaints(loaded: memory { $0 * 100 / 60 }, pauses: pauses())
        #expect(steady.count == 1 && steady.first?.contains("memory grows by") == true, "\(steady)")
        #expect(judge.complaints(loaded: memory { $0 / 120 * 200 }, pauses: pauses()).count == 1)
    }

    @Test func oneDescriptorMoreIsFound() {
        let complaints = judge.complaints(
            loaded: memory { _ in 0 }, pauses: pauses { if $1 == 600 { $0.descriptors["socket"] = 2 } })
        #expect(complaints == ["2 descriptors of socket at 600 s, 1 at first"])
        let other = judge.complaints(
            loaded: memory { _ in 0 }, pauses: pauses { if $1 == 600 { $0.descriptors["/dev/loop7"] = 1 } })
        #expect(other == ["1 descriptors of /dev/loop7 at 600 s, 0 at first"])
    }

    @Test func oneThreadMoreIsFound() {
        var loaded = memory { _ in 0 }
        // Pools may start and end some.
        for index in stride(from: 150, to: 600, by: 10) { loaded[index].threads = 41 }
        #expect(judge.complaints(loaded: loaded, pauses: pauses()).isEmpty)
        loaded[590].threads = 42
        #expect(judge.complaints(loaded: loaded, pauses: pauses()) == ["42 threads, 41 in the first half"])
    }

    @Test func tooLittleToJudgeIsNoPass() {
        #expect(judge.complaints(loaded: Array(memory { _ in 0 }.prefix(130)), pauses: []).count == 2)
    }
}
