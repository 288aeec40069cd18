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
            harness.kernel.setSilent(isSilent, at: mountpoint)
            try await harness.detach("vm-1")
            try await harness.settle()
        }
        #expect(harness.kernel.rungs == [1, 0])
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
