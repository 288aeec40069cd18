// SPDX-License-Identifier: Apache-2.0

import MountModel
import Testing

@testable import HoldfastServer

@Suite("Many who ask what is wrong", .timeLimit(.minutes(1)))
struct SharedDiagnosisTests {
    @Test("one look at a time; who comes meanwhile shares the next one, which is newer than the question")
    func sharing() async {
        let looks = Looks()
        let diagnosis = SharedDiagnosis(limit: .seconds(50)) { await looks.look() }
        async let first = diagnosis.findings()
        await looks.waitForLooks(1)
        let others = (0..<100).map { _ in Task { await diagnosis.findings() } }
        while await diagnosis.waitingCount < 101 { await Task.yield() }
        #expect(await looks.begun == 1)
        await looks.endOne()
        #expect(await first.map(\.code) == ["look 1"])
        await looks.waitForLooks(2)
        await looks.endOne()
        for other in others { #expect(await other.value.map(\.code) == ["look 2"]) }
        #expect(await looks.begun == 2)
        async let later = diagnosis.findings()
        await looks.waitForLooks(3)
        await looks.endOne()
        #expect(await later.map(\.code) == ["look 3"])
        #expect(await looks.most == 1)
    }

    @Test("a look that never ends holds nobody up for ever, and no second one begins")
    func hanging() async {
        let looks = Looks()
        let known = Finding("ledger_lost", .error, what: "", why: "", action: "")
        let diagnosis = SharedDiagnosis(limit: .milliseconds(50), known: { [known] }) { await looks.look() }
        for _ in 0..<3 {
            #expect(await diagnosis.findings().map(\.code) == ["ledger_lost", "diagnosis_unfinished"])
        }
        #expect(await looks.begun == 1)
        #expect(await diagnosis.waitingCount == 0)
        await looks.endOne()
    }
}

/// Looks that end when the test says so.
private actor Looks {
    private(set) var begun = 0
    private(set) var most = 0
    private var held: [CheckedContinuation<Void, Never>] = []
    private var watchers: [AsyncStream<Never>.Continuation] = []

    func look() async -> [Finding] {
        begun += 1
        let number = begun
        // As what hangs in the kernel, it does not hear that it was cancelled.
        await withCheckedContinuation { hold($0) }
        return [Finding("look \(number)", .notice, what: "", why: "", action: "")]
    }

    private func hold(_ continuation: CheckedContinuation<Void, Never>) {
        held.append(continuation)
        most = max(most, held.count)
        for watcher in watchers { watcher.finish() }
        watchers = []
    }

    func endOne() { held.removeFirst().resume() }

    func waitForLooks(_ count: Int) async {
        while begun < count {
            let (stream, continuation) = AsyncStream<Never>.makeStream()
            watchers.append(continuation)
            for await _ in stream {}
        }
    }
}
