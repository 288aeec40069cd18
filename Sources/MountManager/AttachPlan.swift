// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// What an attach would do if it came now, and why.
public struct AttachPlan: Hashable, Sendable {
    /// What it would do.
    public var verdict: Verdict
    /// Why, for a person.
    public var reason: String
    /// Where; nil where nobody has mounted an external source.
    public var mountpoint: Mountpoint?
    /// What is there now; nil where there is nothing of Holdfast's.
    public var listing: MountManager.Listing?
    /// How it would fail; nil where it would go ahead.
    public var problem: MountError?

    /// What an attach can do.
    public enum Verdict: String, Hashable, Sendable, CaseIterable {
        /// It mounts.
        case mount
        /// It uses the mount that is there.
        case useExisting = "use_existing"
        /// The attachment is there already.
        case alreadyAttached = "already_attached"
        /// It waits for what is under way, whose outcome decides.
        case wait
        /// It fails: another source, or other options, are in the way.
        case conflict
        /// It fails for another reason.
        case refused
    }

    init(
        _ verdict: Verdict, because reason: String, at mountpoint: Mountpoint?,
        where listing: MountManager.Listing? = nil
    ) {
        self.verdict = verdict
        self.reason = reason
        self.mountpoint = mountpoint
        self.listing = listing
    }

    init(
        failing problem: MountError, at mountpoint: Mountpoint?, where listing: MountManager.Listing? = nil
    ) {
        self.init(
            problem.code == .conflict ? .conflict : .refused, because: problem.message, at: mountpoint, where: listing)
        self.problem = problem
    }
}
