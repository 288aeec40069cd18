// SPDX-License-Identifier: Apache-2.0

/// A set of keys in one byte; there are at most eight.
struct KeySet: Hashable, Sendable {
    private(set) var bits: UInt8 = 0

    init() {}

    init(_ keys: Set<UInt8>) {
        if keys.isEmpty { return }
        for key in keys { bits |= 1 << key }
    }

    var isEmpty: Bool { bits == 0 }

    func contains(_ key: UInt8) -> Bool { bits & (1 << key) != 0 }

    func isSubset(of other: KeySet) -> Bool { bits & ~other.bits == 0 }

    func intersection(_ other: KeySet) -> KeySet { KeySet(bits: bits & other.bits) }

    func union(_ other: KeySet) -> KeySet { KeySet(bits: bits | other.bits) }

    func symmetricDifference(_ other: KeySet) -> KeySet { KeySet(bits: bits ^ other.bits) }

    mutating func insert(_ key: UInt8) { bits |= 1 << key }

    mutating func remove(_ key: UInt8) { bits &= ~(1 << key) }

    mutating func formUnion(_ other: KeySet) { bits |= other.bits }

    mutating func subtract(_ other: KeySet) { bits &= ~other.bits }

    /// The same set as the machine wants it.
    var keys: Set<UInt8> {
        var keys: Set<UInt8> = []
        for key: UInt8 in 0..<8 where contains(key) { keys.insert(key) }
        return keys
    }

    private init(bits: UInt8) { self.bits = bits }
}
