// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount

/// What is done about a mount that nobody needs any more and whose filesystem does not answer, rung by rung. A mount
/// that is only in use is left to its users, and tried again.
public struct UnmountLadder: Hashable, Sendable {
    /// How far it is climbed.
    public var policy = Policy.park
    /// How long a filesystem may take to answer before it counts as one that does not.
    public var patience = Duration.seconds(10)

    /// The defaults.
    public init() {}

    /// How far the ladder is climbed.
    public enum Policy: String, Hashable, Sendable, CaseIterable {
        /// Not at all: the plain unmount is tried again until it works.
        case wait
        /// What is still asked of the filesystem fails.
        case force
        /// Where that does not help, the mount is moved away: its mountpoint is free, and it ends with its users.
        case park
        /// Where that does not help, it is detached lazily: it ends with its users, and nobody can see it.
        case detach
    }

    /// How many rungs there are.
    var rungs: Int {
        switch policy {
        case .wait: 1
        case .force: 2
        case .park, .detach: 3
        }
    }

    /// The rung that is tried in this one's place. A plain unmount of a mount that does not answer may wait for its
    /// server where nothing reaches it any more: what is still asked has to fail before.
    func rung(inPlaceOf rung: Int, isSilent: Bool) -> Int { isSilent && policy != .wait ? max(rung, 1) : rung }

    /// The means of a rung.
    func means(ofRung rung: Int) -> UnmountMeans {
        switch rung {
        case 0: .exactly
        case 1: .force
        default: policy == .detach ? .detach : .park
        }
    }
}
