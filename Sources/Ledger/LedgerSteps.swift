// SPDX-License-Identifier: Apache-2.0

/// A hook that is told of each step of a transaction, so that a test can hold, observe or kill the writer there.
public struct LedgerSteps: Sendable {
    /// Called on the writer's own thread, which it may block; it is never a thread of Swift's pool.
    public var reached: @Sendable (Step) -> Void

    /// Calls `reached` at each step.
    public init(reached: @escaping @Sendable (Step) -> Void) { self.reached = reached }

    /// Does nothing.
    public static let none = LedgerSteps { _ in }

    /// The points in a transaction's life.
    public enum Step: Hashable, Sendable, CaseIterable {
        /// The transaction is open; no change is in it yet.
        case begun
        /// A change of several is in; the next comes.
        case betweenChanges
        /// All changes are in; COMMIT comes next.
        case beforeCommit
        /// COMMIT has succeeded; nobody has been told.
        case afterCommit
        /// COMMIT has failed in a way that may leave traces; they are overwritten next.
        case beforeOverwrite
        /// The traces are gone; the failure is reported next.
        case afterOverwrite
    }
}
