// SPDX-License-Identifier: Apache-2.0

import MountModel
import MountTestSupport
import Testing

@testable import MountManager

/// Mounts whose filesystems do not answer.
@Suite(.timeLimit(.minutes(1))) struct SilentMountTests {
    private let place = "/root/data"

    @Test func aMountThatIsSilentIsForcedAtOnceAndOneThatAnswersAgainIsNot() async throws {
        let harness = try await ManagerHarness()
        for isSilent in [true, false] {
            try await harness.attach("vm-1")
            let mountpoint = try Mountpoint(place)
            await harness.manager.setSilent(at: mountpoint)
            harness.kernel.setAnswer(isSilent ? ProbeResult(.silent) : nil, at: mountpoint)
            try await harness.detach("vm-1")
            try await harness.settle()
        }
        #expect(harness.kernel.rungs == [1, 0])
    }

    @Test func aMountThatWasSilentAndCannotBeAskedIsForced() async throws {
        let harness = try await ManagerHarness()
        let mountpoint = try Mountpoint(place)
        try await harness.attach("vm-1")
        await harness.manager.setSilent(at: mountpoint)
        harness.kernel.setAnswer(ProbeResult(.unknown), at: mountpoint)
        try await harness.detach("vm-1")
        try await harness.settle()
        #expect(harness.kernel.rungs == [1])
    }

    @Test func whoCannotBeAskedIsAsHeWas() {
        let refused = ProbeResult.Answer.refused(MountError(.mountFailed, "it says no"))
        for wasSilent in [true, false] {
            #expect(ProbeResult.Answer.silent.isSilence(after: wasSilent))
            #expect(ProbeResult.Answer.unknown.isSilence(after: wasSilent) == wasSilent)
            for answer in [ProbeResult.Answer.answered, refused] { #expect(!answer.isSilence(after: wasSilent)) }
        }
    }

    @Test func aSilentMountInUseIsForcedOnceAndParkedNext() async throws {
        let harness = try await ManagerHarness()
        let mountpoint = try Mountpoint(place)
        for _ in 0..<2 {
            try await harness.attach("vm-1")
            await harness.manager.setSilent(at: mountpoint)
            harness.kernel.setAnswer(ProbeResult(.silent), at: mountpoint)
            harness.kernel.setBusy(true, at: mountpoint)
            try await harness.detach("vm-1")
            try await harness.settle()
        }
        // The second time it begins anew.
        #expect(harness.kernel.rungs == [1, 2, 1, 2])
    }

    @Test func aNewMountIsAskedAlthoughTheQuestionToTheOneBeforeHasNoEnd() async throws {
        var probes = ProbePolicy()
        probes.interval = .microseconds(1)
        let harness = try await ManagerHarness(probes: probes)
        let mountpoint = try Mountpoint(place)
        let source = MountSource(type: FilesystemType(rawValue: "nfs"), source: "server:/data", options: [])
        let (endless, end) = AsyncStream.makeStream(of: Void.self)
        harness.kernel.setAnswer(
            ProbeResult(.silent, rest: Task { for await _ in endless {} }), at: mountpoint)
        func askUntil(_ count: Int) async {
            let deadline = ContinuousClock.now + .seconds(10)
            while harness.kernel.count(.probe) < count, .now < deadline {
                await harness.manager.startProbes()
                await Task.yield()
            }
        }
        try await harness.attach("vm-1", to: source)
        await askUntil(1)
        harness.kernel.unmountTop(at: mountpoint)
        try await harness.attach("vm-2", to: source)
        await askUntil(2)
        #expect(harness.kernel.count(.probe) == 2)
        // Its questions would have no end either: each is answered at once.
        await harness.manager.stopAccepting()
        end.finish()
    }

    @Test func anAttemptAtWhatWasParkedEndsWithTheManager() async throws {
        let harness = try await ManagerHarness()
        await harness.kernel.hold(.endParked)
        await harness.manager.endParked()
        await harness.kernel.waitUntilHeld(.endParked)
        await harness.manager.stopAccepting()
        let deadline = ContinuousClock.now + .seconds(10)
        while await harness.manager.parkedAreDue == nil, .now < deadline { await Task.yield() }
        #expect(await harness.manager.parkedAreDue != nil)
        await harness.kernel.letGo(.endParked)
    }

    @Test func theLadderBeginsOnTheSecondRungOnlyWhereThereMayBeOne() {
        var ladder = UnmountLadder()
        for policy in UnmountLadder.Policy.allCases {
            ladder.policy = policy
            let isLonger = policy != .wait
            #expect((0..<ladder.rungs).allSatisfy { ladder.rung(inPlaceOf: $0, isSilent: false) == $0 })
            #expect(ladder.rung(inPlaceOf: 0, isSilent: true) == (isLonger ? 1 : 0))
            if isLonger {
                #expect((1..<ladder.rungs).allSatisfy { ladder.rung(inPlaceOf: $0, isSilent: true) == $0 })
            }
        }
    }

    @Test func oneAttemptAtWhatWasParkedIsUnderWayAtATime() async throws {
        let harness = try await ManagerHarness()
        await harness.kernel.hold(.endParked)
        await harness.manager.endParked()
        await harness.kernel.waitUntilHeld(.endParked)
        for _ in 0..<3 { await harness.manager.endParked() }
        await harness.kernel.letGo(.endParked)
        while await harness.manager.parkedAreDue == nil { await Task.yield() }
        // Not at once.
        await harness.manager.endParked()
        #expect(harness.kernel.count(.endParked) == 1)
    }
}

extension MountManager {
    /// As the last question has found it.
    fileprivate func setSilent(at mountpoint: Mountpoint) {
        machines[mountpoint]?.silence = Silence(since: .now, refusal: nil)
    }
}
