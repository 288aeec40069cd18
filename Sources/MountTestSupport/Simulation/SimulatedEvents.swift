// SPDX-License-Identifier: Apache-2.0

internal import MountModel

/// The kernel's queue of mount events: bounded, and then it says only that something was lost.
struct SimulatedEvents {
    struct Event { var id: MountID, isAttached: Bool }

    /// `fs.fanotify.max_queued_events` by default.
    static let limit = 16_384

    private(set) var queue: [Event] = []
    private(set) var hasOverflowed = false

    mutating func add(_ id: MountID, isAttached: Bool) {
        if queue.count < Self.limit { queue.append(Event(id: id, isAttached: isAttached)) } else { overflow() }
    }

    mutating func overflow() { hasOverflowed = true }

    /// Takes all; nil where some were lost.
    mutating func take() -> [Event]? {
        defer { self = SimulatedEvents() }
        return hasOverflowed ? nil : queue
    }
}
