// SPDX-License-Identifier: Apache-2.0

extension MountState {
    /// The name of the situation a mountpoint is in, for people and for the API. No rule depends on it.
    public enum Phase: String, Hashable, Sendable, CaseIterable {
        /// Nothing of ours is there, and nobody asks for it.
        case absent
        /// The first mount is being built or placed.
        case mounting
        /// Our mount is there and used.
        case mounted
        /// Our mount is there, its first attachment not yet durable or its last one just gone.
        case settling
        /// Our mount is being unmounted.
        case unmounting
        /// Our mount is unused, could not be unmounted, and a retry is scheduled.
        case lingering
        /// Our mount is gone, its row is about to be.
        case forgetting
        /// Attachments are left, the mount is gone; it is mounted again, at once or at the retry, or when somebody
        /// asks.
        case lost
        /// Something that is not ours is mounted there, perhaps over ours.
        case foreign
        /// Others have moved our mount elsewhere: it is neither mounted again nor unmounted.
        case moved
        /// An operation is past its deadline and could not be killed.
        case stuck
        /// It is not yet known what the daemon before left behind.
        case recovering
    }

    /// The phase, derived from the facts.
    public var phase: Phase {
        if isPurging { return .recovering }
        if let operation {
            if operation.isStuck { return .stuck }
            switch operation.kind {
            case .orphan: return .recovering
            case .build, .place: return held.isEmpty ? .mounting : .lost
            case .unmount: return .unmounting
            case .inspect: break
            }
        }
        if built != nil { return held.isEmpty ? .mounting : .lost }
        switch seen {
        case .unknown: return .recovering
        case .ours:
            if !held.isEmpty { return .mounted }
            if row?.source.isExternal == true { return .forgetting }
            return isTimerArmed ? .lingering : .settling
        case .empty:
            if !held.isEmpty { return .lost }
            return row == nil ? .absent : .forgetting
        case .covered, .foreign: return .foreign
        case .moved: return .moved
        }
    }

    /// Whether something that others did to the mountpoint keeps it from being used.
    public var isObstructed: Bool { seen == .covered || seen == .foreign || seen == .moved }

    /// Whether nothing is under way: no operation, no write, nothing built, and no request waits.
    ///
    /// Then only a request, a hint or the retry clock will change anything. After a detach it says that the unmount, if
    /// one was due, has been done or has failed for now.
    public var isAtRest: Bool { operation == nil && write == nil && built == nil && queue.isEmpty }
}
