// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Something that one thread of a test sets and another sees.
final class Flag: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() { value.store(true, ordering: .releasing) }
}

/// A number that several threads of a test raise.
final class Counter: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .acquiring) }
    func increment() { count.add(1, ordering: .acquiringAndReleasing) }
}

/// Lines that a hook writes on any thread.
final class Notes: Sendable {
    private let list = Mutex<[String]>([])
    var lines: [String] { list.withLock { $0 } }
    func append(_ line: String) { list.withLock { $0.append(line) } }
}
