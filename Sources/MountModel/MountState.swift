// SPDX-License-Identifier: Apache-2.0

/// The whole logic of one mountpoint, as a value: an event goes in, effects come out.
///
/// It stores facts, not a phase: what is durable, what is in flight, what was last seen in the kernel. An event updates
/// the facts, then `advance()` applies the rules in a fixed priority. There is no I/O, no clock and no waiting here; a
/// shell runs the effects and feeds their outcomes back as events, one at a time. Holdfast's mountpoints are
/// `MountState<AttachmentKey, ManagedSource>`; the exhaustive explorer uses small integers for both.
///
/// The shell gives each operation and each timer a token and drops what comes late: an end is fed in only for the
/// operation in flight, a commit only for the write in flight, a timer only if it was armed last.
public struct MountState<Key: Hashable & Sendable, Source: ManageableSource>: Hashable, Sendable {
    /// The mountpoint's row, as it is durable.
    public internal(set) var row: Row?
    /// The attachments, as they are durable.
    public internal(set) var held: Set<Key>
    /// Those of `held` that are restored after a reboot.
    public internal(set) var persistent: Set<Key>
    /// Those of `held` that were answered as failed; their removal is owed.
    public internal(set) var doomed: Set<Key> = []
    /// The kernel operation in flight; there is never a second one.
    public internal(set) var operation: Operation?
    /// The detached mount in hand: built, not yet placed, and known to the shell by its descriptor.
    public internal(set) var built: BuiltMount?
    /// The ledger write in flight; there is never a second one.
    public internal(set) var write: Batch?
    /// The requests that wait, in order of arrival; those in `write` are not among them.
    public internal(set) var queue: [Request] = []
    /// Whether the retry clock runs.
    public internal(set) var isTimerArmed = false
    /// Whether a hint came that no inspection has covered.
    public internal(set) var isDirty = false
    /// Whether the ledger is of an earlier boot, and the clean-up after that is not yet durable.
    public internal(set) var isPurging = false
    /// What was last seen at the mountpoint.
    public internal(set) var seen: Seen
    /// The rung of the unmount ladder that comes next: more than 0 after one that hung.
    public internal(set) var nextRung = 0
    /// How many rungs the unmount ladder has, at least one.
    public let rungs: Int
    /// Whether nothing is to be changed, neither in the kernel nor in the ledger, which cannot be written.
    public let isReadOnly: Bool

    /// What the event in hand has caused so far; empty between events.
    var effects: [Effect] = []

    /// A mountpoint without a row in the ledger, where nothing is assumed to be mounted.
    ///
    /// Something foreign there is found when a hint comes or when the place operation meets it.
    public init(isReadOnly: Bool = false, rungs: Int = 1) {
        precondition(rungs >= 1, "the unmount ladder needs a rung")
        row = nil
        held = []
        persistent = []
        seen = .empty
        self.rungs = rungs
        self.isReadOnly = isReadOnly
    }

    /// A mountpoint as the ledger has it after a start of the daemon; feed `.start` in next.
    ///
    /// - Parameters:
    ///   - row: The mountpoint's row.
    ///   - held: All its attachments.
    ///   - persistent: Those of them that outlive a reboot.
    ///   - isSameBoot: Whether the row was written in this boot. Ids of another boot mean nothing.
    ///   - hasOrphan: Whether a worker of the dead daemon still holds the mountpoint's operation lock. Its release is
    ///     fed in as `.operationEnded(.unknown)`.
    ///   - isReadOnly: Whether the ledger cannot be written: what is there is shown, and nothing is touched.
    ///   - rungs: How many rungs the unmount ladder has, at least one.
    public init(
        recovering row: Row?, held: Set<Key>, persistent: Set<Key>, isSameBoot: Bool, hasOrphan: Bool,
        isReadOnly: Bool = false, rungs: Int = 1
    ) {
        precondition(rungs >= 1, "the unmount ladder needs a rung")
        self.row = row
        self.held = held
        self.persistent = persistent.intersection(held)
        self.isReadOnly = isReadOnly
        self.rungs = rungs
        seen = .unknown
        isPurging = !isSameBoot && row != nil
        operation = hasOrphan ? Operation(.orphan) : nil
    }

    /// Takes one event and says what is to be done about it, in this order.
    ///
    /// Never fails and never blocks. An end without an operation, a commit without a write and a timer that is not
    /// armed change nothing.
    public mutating func handle(_ event: Event) -> [Effect] {
        note(event)
        advance()
        defer { effects = [] }
        return effects
    }
}
