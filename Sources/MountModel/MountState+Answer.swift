// SPDX-License-Identifier: Apache-2.0

extension MountState {
    /// How a request ends.
    public enum Answer: String, Hashable, Sendable, CaseIterable {
        /// The attachment is durable and its mount verified.
        case attached
        /// It was there before; so is its mount.
        case already
        /// The attachment is gone, durably.
        case detached
        /// There was none, and nothing was touched.
        case notAttached
        /// The caller gave up, or asked for a detach of the same key.
        case cancelled
        /// The mount could not be built or placed.
        case mountFailed
        /// Another source is in use, or about to be, at the mountpoint.
        case conflict
        /// Something that is not ours is mounted there.
        case foreign
        /// An old mount of another source is there and could not be unmounted.
        case busy
        /// An operation is past its deadline and could not be killed.
        case stuck
        /// The ledger could not be written.
        case exhausted
        /// The ledger must not be written, and nothing be mounted or unmounted, until an administrator has seen to it.
        case readOnly

        /// Whether the caller has what he asked for.
        public var isSuccess: Bool {
            switch self {
            case .attached, .already, .detached, .notAttached: true
            case .cancelled, .mountFailed, .conflict, .foreign, .busy, .stuck, .exhausted, .readOnly: false
            }
        }
    }
}
