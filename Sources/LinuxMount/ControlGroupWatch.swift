// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Synchronization
internal import SystemPackage

/// Tells when the last process of a control group has ended (`man 7 inotify` on `cgroup.events`): some hundred
/// microseconds after it has.
public final class ControlGroupWatch: Sendable {
    private let events: OwnedDescriptor
    private let waker: OwnedDescriptor
    private let groups = Mutex<[CInt: ControlGroup]>([:])

    /// Watches nothing yet.
    ///
    /// - Throws: what `inotify_init1` answers: EMFILE where the user has `fs.inotify.max_user_instances` of them.
    public init() throws(SystemCallError) {
        events = OwnedDescriptor(owning: try SystemCallError.check(hf_file_events_open(), "inotify_init1"))
        waker = OwnedDescriptor(owning: try SystemCallError.check(hf_event_counter(), "eventfd"))
    }

    /// Watches a group from now on; whether it is empty already is for the caller to ask.
    ///
    /// - Throws: what `inotify_add_watch` answers: ENOSPC at `fs.inotify.max_user_watches`.
    public func add(_ group: ControlGroup) throws(SystemCallError) {
        try groups.withLock { (groups) throws(SystemCallError) in
            let added = group.events.withPlatformString { hf_file_events_add(events.rawValue, $0) }
            groups[try SystemCallError.check(added, "inotify_add_watch", on: group.path.string)] = group
        }
    }

    /// Watches it no more: a group that goes would be kept in memory.
    public func remove(_ group: ControlGroup) {
        groups.withLock { groups in
            for (number, watched) in groups where watched == group {
                // EINVAL: its watch has gone with it.
                _ = hf_file_events_remove(events.rawValue, number)
                groups[number] = nil
            }
        }
    }

    /// Blocks the thread until something has changed, or ``wake()`` is called. One thread at a time.
    ///
    /// - Returns: those groups that may have become empty; nil after a wake-up.
    /// - Throws: what `ppoll` or `read` answers.
    public func wait() throws(SystemCallError) -> [ControlGroup]? {
        var ready: CInt
        repeat {
            ready = hf_wait_for_two(events.rawValue, 0, waker.rawValue, -1)
        } while ready == -Errno.interrupted.rawValue
        try SystemCallError.check(ready, "ppoll")
        guard ready & HF_READY_FIRST != 0 else { return nil }
        var numbers = [CInt](repeating: 0, count: Int(HF_FILE_EVENTS_ROOM))
        let count = hf_file_events_read(events.rawValue, &numbers, numbers.count)
        if count == -Int(Errno.wouldBlock.rawValue) { return [] }
        let changed = numbers.prefix(try SystemCallError.check(count, "read", on: "inotify"))
        return groups.withLock { groups in
            changed.contains(-1) ? Array(groups.values) : Set(changed).compactMap { groups[$0] }
        }
    }

    /// Ends the wait in progress, and all later ones. From any thread; does not block.
    public func wake() {
        var one: UInt64 = 1
        // Only a counter that is full refuses.
        _ = hf_write(waker.rawValue, &one, MemoryLayout.size(ofValue: one))
    }
}
