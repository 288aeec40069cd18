// SPDX-License-Identifier: Apache-2.0

extension MountState {
    /// What a mountpoint is told.
    public enum Event: Hashable, Sendable {
        /// The daemon has started and watches the mount table; the first event after `init(recovering:…)`.
        case start
        /// Somebody asks for something; `isAdded` is false and the kind is attach or detach.
        case request(Request)
        /// The caller's deadline has passed, or he hung up. A request that is being committed is answered by its
        /// commit.
        case cancel(RequestID)
        /// The build has ended: with the id of the detached mount, whose descriptor the shell now holds, or with nil.
        case built(MountID?)
        /// Another operation has ended, and this is what was seen *after* its end; an orphan's end says `.unknown`.
        case operationEnded(Seen)
        /// The same of an unmount that did not end in its time, or found the mount in use and its filesystem silent:
        /// the next rung of the ladder is worth a try.
        case unmountHung(Seen)
        /// The operation is past its deadline and the kill did not take. Its end still comes, if ever.
        case operationStuck
        /// The write has ended. This must be definite: what is reported as failed must not come back after a crash.
        case committed(Bool)
        /// The retry clock has rung.
        case timer
        /// "The mount table changed here", without saying how. An overflow of the kernel's event queue is a hint to
        /// every mountpoint.
        case hint
    }
}
