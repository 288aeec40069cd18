// SPDX-License-Identifier: Apache-2.0

/// The worlds that were seen before: open addressing over fingerprints, each with the world's number.
struct VisitedSet {
    private var fingerprints: [Fingerprint]
    private var numbers: [UInt32]
    private(set) var count = 0

    private static let free = UInt32.max

    init() {
        fingerprints = Array(repeating: Fingerprint(high: 0, low: 0), count: 1 << 16)
        numbers = Array(repeating: Self.free, count: 1 << 16)
    }

    /// The world's number, and whether it is new; a new one gets the next number.
    mutating func insert(_ fingerprint: Fingerprint) -> (number: UInt32, isNew: Bool) {
        if count * 3 > numbers.count * 2 { grow() }
        let slot = slot(of: fingerprint)
        if numbers[slot] != Self.free { return (numbers[slot], false) }
        let number = UInt32(count)
        fingerprints[slot] = fingerprint
        numbers[slot] = number
        count += 1
        return (number, true)
    }

    /// Where the fingerprint is, or the free place where it belongs.
    private func slot(of fingerprint: Fingerprint) -> Int {
        let mask = numbers.count - 1
        var slot = Int(truncatingIfNeeded: fingerprint.low) & mask
        while numbers[slot] != Self.free && fingerprints[slot] != fingerprint { slot = (slot + 1) & mask }
        return slot
    }

    private mutating func grow() {
        let old = (fingerprints, numbers)
        fingerprints = Array(repeating: Fingerprint(high: 0, low: 0), count: old.1.count * 2)
        numbers = Array(repeating: Self.free, count: old.1.count * 2)
        for (fingerprint, number) in zip(old.0, old.1) where number != Self.free {
            let slot = slot(of: fingerprint)
            fingerprints[slot] = fingerprint
            numbers[slot] = number
        }
    }
}
