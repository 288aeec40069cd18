// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

/// Tells when the mount table of the caller's mount namespace changes, so that a mount known before needs no system
/// call to be trusted: nothing has happened to it as long as ``drain()`` says ``MountEvents/none``.
///
/// Two mechanisms. `fanotify` (`FAN_REPORT_MNT`, kernel 6.15, `man 7 fanotify`) names the mounts. `mountinfo` (`poll`
/// on `/proc/self/mountinfo`, `man 5 proc`) says no more than "changed", on any kernel. What was found on kernel 6.18,
/// and is tested:
///
/// - An event is there when `mount`, `move_mount`, `umount2` or the `rmdir` that takes a mount away has returned, with
///   both mechanisms: a `drain()` after an answer has been decided leaves no moment in which it was already wrong.
/// - A lazy unmount (`MNT_DETACH`) is an event at once; of a tree, one event for each mount. The last close of its
///   files is none.
/// - A mount over another one is an event of the new mount only; what lies below has to be found by asking.
/// - A move is one event with both bits. A change of attributes (`mount_setattr`, remount) is no event for fanotify.
/// - Changes in other mount namespaces are none, but for what propagates from them into ours.
/// - A detached mount (`fsmount`, `open_tree`) becomes an event only by `move_mount`.
public final class MountEventWatch: Sendable {
    /// How the kernel tells.
    public enum Mechanism: String, CaseIterable, Hashable, Sendable {
        /// Events with mount ids, kernel 6.15.
        case fanotify
        /// Only that something has changed.
        case mountinfo
    }

    /// Why ``MountEventWatch/wait(timeout:)`` has returned.
    public enum Wakeup: Hashable, Sendable {
        /// The mount table may have changed: ``MountEventWatch/drain()`` tells.
        case changed
        /// ``MountEventWatch/wake()`` was called.
        case woken
        /// Neither, in the time given.
        case timedOut
    }

    /// Reads of one `drain()` before it gives up telling mounts apart: more than the kernel's default queue (16,384)
    /// fills.
    private static let readLimit = 512
    private static let readCapacity = 4096

    /// The mechanism in use.
    public let mechanism: Mechanism
    private let drained: OwnedDescriptor
    // A poll of mountinfo reports a change once for each open file: waiting must not take it away from drain().
    private let waited: OwnedDescriptor
    private let waker: OwnedDescriptor

    /// Begins to watch the mount namespace of the calling thread.
    ///
    /// Events of what happens from here on are kept, up to the kernel's limit (`fs.fanotify.max_queued_events`), beyond
    /// which they become ``MountEvents/everything``: a bound on the kernel's memory is worth one look at everything.
    /// Does not block.
    ///
    /// - Parameter mechanism: the one to try first; if the kernel does not have fanotify's mount events or does not
    ///   allow them, it is `mountinfo`, as ``mechanism`` then says.
    /// - Throws: what opening answers: `EMFILE`, or `ENOENT` where `/proc` is missing.
    public static func open(preferring mechanism: Mechanism = .fanotify) throws(SystemCallError) -> MountEventWatch {
        if mechanism == .fanotify, let events = try openMountEvents() {
            let duplicate = try SystemCallError.check(hf_duplicate(events.rawValue), "fcntl", on: "F_DUPFD_CLOEXEC")
            return try MountEventWatch(.fanotify, drained: events, waited: OwnedDescriptor(owning: duplicate))
        }
        let drained = try openMountTable()
        return try MountEventWatch(.mountinfo, drained: drained, waited: openMountTable())
    }

    private init(
        _ mechanism: Mechanism, drained: consuming OwnedDescriptor, waited: consuming OwnedDescriptor
    ) throws(SystemCallError) {
        self.mechanism = mechanism
        self.drained = drained
        self.waited = waited
        waker = OwnedDescriptor(owning: try SystemCallError.check(hf_event_counter(), "eventfd"))
    }

    /// For an event loop: readable (`POLLIN`) while events wait, with fanotify; with mountinfo exceptional (`POLLPRI`)
    /// once after each change, however little or much is drained.
    ///
    /// Belongs to this value: to be polled, neither read nor closed.
    public var descriptor: CInt { waited.rawValue }

    /// Takes what has happened since the last call. Never blocks; one system call if nothing has happened, two or more
    /// if much has.
    ///
    /// One caller at a time: what one call has taken, another does not get.
    ///
    /// - Throws: what `read` or `poll` answers, which no known state of the kernel brings about; nothing may be trusted
    ///   then.
    public func drain() throws(SystemCallError) -> MountEvents {
        switch mechanism {
        case .fanotify: try drainMountEvents()
        case .mountinfo: try tableHasChanged() ? .everything : .none
        }
    }

    /// Blocks the calling thread until something may have changed, ``wake()`` is called, or the time is over.
    ///
    /// A change goes before a wake-up, which then waits for the next call. `.changed` may be said without a change:
    /// after a signal, or with mountinfo for a change that was drained already. One waiting thread at a time.
    ///
    /// - Parameter timeout: at most this long; nil for ever.
    /// - Throws: what `ppoll` answers (`man 2 ppoll`).
    public func wait(timeout: Duration? = nil) throws(SystemCallError) -> Wakeup {
        let ready = hf_wait_for_two(
            waited.rawValue, mechanism == .mountinfo ? 1 : 0, waker.rawValue, timeout?.clampedNanoseconds ?? -1)
        if ready == -EINTR { return .changed }
        try SystemCallError.check(ready, "ppoll")
        if ready & HF_READY_FIRST != 0 { return .changed }
        guard ready & HF_READY_SECOND != 0 else { return .timedOut }
        var count: UInt64 = 0
        try SystemCallError.check(
            hf_read(waker.rawValue, &count, MemoryLayout.size(ofValue: count)), "read", on: "eventfd")
        return .woken
    }

    /// Makes the wait in progress, or else the next one, return ``Wakeup/woken``. From any thread; does not block.
    ///
    /// - Throws: what writing to the event counter answers.
    public func wake() throws(SystemCallError) {
        var one: UInt64 = 1
        let result = hf_write(waker.rawValue, &one, MemoryLayout.size(ofValue: one))
        // A counter that is full has a wake-up waiting already.
        if result == -Int(EAGAIN) { return }
        try SystemCallError.check(result, "write", on: "eventfd")
    }

    private func tableHasChanged() throws(SystemCallError) -> Bool {
        var ready: CInt
        repeat { ready = hf_wait_for_two(drained.rawValue, 1, -1, 0) } while ready == -EINTR
        return try SystemCallError.check(ready, "ppoll", on: "/proc/self/mountinfo") & HF_READY_FIRST != 0
    }

    private func drainMountEvents() throws(SystemCallError) -> MountEvents {
        var events: [MountEvent] = []
        var isEverything = false
        for _ in 0..<Self.readLimit {
            let (count, batch) = readBatch()
            if count != -Int(EAGAIN) { try SystemCallError.check(count, "read", on: "fanotify") }
            switch batch {
            case .none: break
            case .mounts(let more): events += more
            case .everything: isEverything = true
            }
            // The kernel fills the buffer as long as the next event fits: room left over means that the queue is empty.
            if count + MountEventBuffer.largestEvent <= Self.readCapacity {
                return isEverything ? .everything : events.isEmpty ? .none : .mounts(events)
            }
        }
        // Events come as fast as they are taken; whoever looks at everything now sees what is still queued, too.
        return .everything
    }

    private func readBatch() -> (count: Int, events: MountEvents) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.readCapacity) { buffer in
            let count = hf_read(drained.rawValue, buffer.baseAddress, buffer.count)
            guard count > 0 else { return (count, .none) }
            // SAFETY: the kernel has written the first `count` bytes, at most `buffer.count`; the span ends with the
            // call.
            return (count, MountEventBuffer.parse(UnsafeBufferPointer(rebasing: buffer[..<count]).span))
        }
    }

    /// A group that reports our namespace's mounts; nil where the kernel has no such thing or does not allow it.
    private static func openMountEvents() throws(SystemCallError) -> OwnedDescriptor? {
        let unavailable: Set<CInt> = [-EINVAL, -ENOSYS, -EPERM]
        let opened = hf_mount_events_open()
        if unavailable.contains(opened) { return nil }
        let events = OwnedDescriptor(owning: try SystemCallError.check(opened, "fanotify_init"))
        let namespace = try MountNamespace.open("/proc/thread-self/ns/mnt")
        let marked = hf_mount_events_mark(events.rawValue, namespace.rawValue)
        if unavailable.contains(marked) { return nil }
        try SystemCallError.check(marked, "fanotify_mark", on: "/proc/thread-self/ns/mnt")
        return events
    }

    private static func openMountTable() throws(SystemCallError) -> OwnedDescriptor {
        let path: FilePath = "/proc/thread-self/mountinfo"
        return try .open(path, flags: O_RDONLY, .followingLinks, on: path)
    }
}

extension Duration {
    /// Whole nanoseconds from 0 up to what fits: for `timespec`.
    fileprivate var clampedNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        // A fraction of a nanosecond still waits one.
        let (sum, sumOverflow) = whole.addingReportingOverflow((attoseconds + 999_999_999) / 1_000_000_000)
        return overflow || sumOverflow ? .max : sum
    }
}
