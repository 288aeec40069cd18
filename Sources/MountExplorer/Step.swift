// SPDX-License-Identifier: Apache-2.0

/// One thing that may happen next.
enum Step: Hashable, Sendable {
    case attach(key: UInt8, source: UInt8, persistent: Bool)
    case detach(key: UInt8)
    /// The caller of the n-th unanswered request gives up.
    case cancel(Int8)
    case build(succeeds: Bool)
    /// The running inspection, placement or unmount ends. An inspection that finds the mount in its parking slot moves
    /// it back if it works.
    case end(works: Bool)
    /// The running unmount ends, and has failed because the filesystem does not answer.
    case hangs
    /// The running unmount has moved our mount into its slot.
    case parks
    case stuck
    case commit(Bool)
    case timer
    case hint
    case outsiderMounts(Moment)
    case outsiderUnmounts(Moment)
    /// Somebody moves our mount elsewhere.
    case outsiderMoves(Moment)
    /// It is moved back, on top of what is there.
    case outsiderMovesBack
    /// It is unmounted where it is.
    case outsiderUnmountsElsewhere
    /// The external source is mounted by those whose task it is.
    case outsiderMountsExternal(Moment)
    /// The daemon dies; a write in flight is durable or not.
    case crash(durable: Bool)
    /// The machine dies; what was not fully synced is lost or not.
    case powerCut(durable: Bool, lost: Bool)
    case start(readOnly: Bool)
    /// The dead daemon's operation is over.
    case orphanEnds(OrphanEnd)

    /// When somebody interferes, in relation to the operation in flight.
    enum Moment: Hashable, Sendable {
        case now
        /// When the operation has acted, but before it looks at the result.
        case afterAct
        /// When the operation has looked at the result, but before it says so.
        case afterLook
    }

    /// What an orphaned operation did before it ended.
    enum OrphanEnd: Hashable, Sendable {
        case acts
        case idles
        /// It was killed between moving our mount into the parking slot and unmounting it there.
        case parks
    }
}

/// A step, perhaps cut off: the daemon dies after the n-th of its effects.
struct Transition: Hashable, Sendable, CustomStringConvertible {
    var step: Step
    /// How many effects are carried out before the daemon dies; 0 means that it lives.
    var cut: UInt8 = 0
    /// Whether the write in flight at that moment is durable.
    var isDurable = false

    var description: String {
        cut == 0 ? "\(step)" : "\(step), crash after effect \(cut), write durable: \(isDurable)"
    }
}
