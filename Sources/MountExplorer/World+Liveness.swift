// SPDX-License-Identifier: Apache-2.0

import MountModel

extension World {
    /// Whether the step must bring those who wait nearer to their answers, so that it cannot be part of a circle.
    ///
    /// New requests and answers change what is waited for. The clock may go round for ever where a mount is lost, but
    /// not where somebody waits for nothing else.
    func mustProgress(by transition: Transition, to after: World) -> Bool {
        switch transition.step {
        // Even if it is answered at once, and their number is the same.
        case .attach, .detach: return false
        case .timer: if outstanding.isEmpty || running != nil || pending != nil { return false }
        default: break
        }
        return outstanding.count == after.outstanding.count
    }

    /// Whether this is where everything may end when all goes well: mounted, absent, or something foreign is there.
    var isWellSettled: Bool {
        guard isUp, machine.isAtRest, !isHintPending else { return false }
        if machine.isReadOnly || isObstructed || isExternalMissing { return true }
        // A lost mount that is not healed waits for somebody to ask.
        if machine.phase == .lost { return !machine.isHealedByItself }
        return machine.phase == .mounted || machine.phase == .absent
    }
}
