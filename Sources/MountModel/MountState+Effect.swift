// SPDX-License-Identifier: Apache-2.0

extension MountState {
    /// What a mountpoint wants done. Operations and writes end with an event; the others are done with at once.
    public enum Effect: Hashable, Sendable {
        /// Look what is at the mountpoint, in relation to this id; ends with `.operationEnded`.
        case inspect(MountID?)
        /// Make a detached mount of the source; ends with `.built`.
        case build(Source)
        /// Tell the running build to give up; its end still comes.
        case abort
        /// Move the built mount, which has this id, to the mountpoint; ends with `.operationEnded`.
        case place(MountID)
        /// Unmount exactly this id; ends with `.operationEnded`.
        case unmount(MountID, rung: Int)
        /// Close the descriptor of the built mount.
        case close
        /// Make the batch durable; ends with `.committed`.
        case write(Batch)
        /// Note that an attachment to the source has ended although nobody detached it: it did not outlive a reboot.
        /// Its removal is durable.
        case ended(Key, Source)
        /// Answer the request; each is answered once.
        case reply(RequestID, Answer)
        /// Start the retry clock, which was not running; how long it runs is the shell's back-off.
        case arm(after: Setback)
        /// Stop the retry clock, which was running.
        case disarm
    }

    /// What the retry clock is started after.
    public enum Setback: Hashable, Sendable {
        /// Something was tried in vain, or something stands in the way.
        case failure
        /// A mount in use is gone. The first time it is made anew at once; one that is lost again and again is not.
        case loss
    }
}
