// SPDX-License-Identifier: Apache-2.0

/// 128 bits that stand for a world: two of the at most some ten million worlds of an exploration have the same with a
/// probability far below one in 10²³.
struct Fingerprint: Hashable, Sendable {
    var high: UInt64
    var low: UInt64
}

/// Packs small numbers into words and mixes these into a fingerprint.
struct FingerprintMixer {
    private var high: UInt64 = 0x243F_6A88_85A3_08D3
    private var low: UInt64 = 0x1319_8A2E_0370_7344
    private var word: UInt64 = 0
    private var used = 0

    /// Adds a number of so many bits, less than 64.
    mutating func add(_ value: Int, _ bits: Int) {
        if used + bits > 64 { flush() }
        word |= UInt64(truncatingIfNeeded: value) << UInt64(used)
        used += bits
    }

    mutating func add(_ value: Bool) { add(value ? 1 : 0, 1) }

    mutating func add(_ set: KeySet) { add(Int(set.bits), 8) }

    mutating func finish() -> Fingerprint {
        flush()
        flush()
        return Fingerprint(high: high, low: low)
    }

    private mutating func flush() {
        let first = (high ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        let second = (low ^ (word << 31 | word >> 33)).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        high = first.high ^ first.low ^ (second.low >> 17)
        low = second.high ^ second.low ^ (first.low << 13) &+ 0x94D0_49BB_1331_11EB
        word = 0
        used = 0
    }
}
