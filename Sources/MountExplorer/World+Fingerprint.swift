// SPDX-License-Identifier: Apache-2.0

import MountModel

// What makes two worlds the same: all but the names of requests (counted by arrival), of mounts (counted by first use)
// and of keys (sorted by what each of them has).
//
// What the checks keep equal is added once: `held`, `row`, `operation`, `write`, `built` and the timer.
extension World {
    func fingerprint() -> Fingerprint {
        var encoder = WorldEncoder(keys: keyNames())
        encoder.add(self)
        return encoder.mixer.finish()
    }

    /// The new name of each key: those that nothing tells apart are sorted by what each of them has.
    ///
    /// The machine knows keys only as equal or not, so that any two of one kind may be swapped.
    private func keyNames() -> KeyNames {
        var names = KeyNames()
        let kinds = scenario.kindsOfKeys
        let count = scenario.keys.count
        if count == kinds { return names }
        var signatures = InlineArray<8, UInt64>(repeating: 0)
        for key in 0..<count { signatures[key] = signature(of: UInt8(key)) }
        for key in 0..<count {
            var rank = 0
            for other in stride(from: key % kinds, to: count, by: kinds)
            where (signatures[other], other) < (signatures[key], key) { rank += 1 }
            names.rename(UInt8(key), to: UInt8(key % kinds + rank * kinds))
        }
        return names
    }

    /// All that one key has, in one number. Keys with the same one are in the same sets and have no request, so their
    /// order is all one.
    private func signature(of key: UInt8) -> UInt64 {
        var signature: UInt64 = 0
        func add(_ isIn: Bool) { signature = signature << 1 | (isIn ? 1 : 0) }
        add(ledger.held.contains(key))
        add(synced.held.contains(key))
        add(promised.contains(key))
        if scenario.features.contains(.upgrades) {
            add(ledger.persistent.contains(key))
            add(synced.persistent.contains(key))
            add(vowed.contains(key))
        }
        add(machine.doomed.contains(key))
        if let write = machine.write {
            add(write.add.contains(key))
            add(write.remove.contains(key))
            if scenario.features.contains(.upgrades) { add(write.persistent.contains(key)) }
        }
        for request in outstanding { add(request.key == key) }
        return signature
    }
}

/// New names of the at most eight keys, four bits each.
struct KeyNames {
    private var packed: UInt64 = 0x7654_3210

    private(set) var areOriginal = true

    mutating func rename(_ key: UInt8, to name: UInt8) {
        let shift = UInt64(key) * 4
        packed = packed & ~(0xF << shift) | UInt64(name) << shift
        if key != name { areOriginal = false }
    }

    func name(of key: UInt8) -> UInt8 { UInt8(packed >> (UInt64(key) * 4) & 0xF) }

    func renamed(_ set: KeySet) -> KeySet {
        if areOriginal || set.isEmpty { return set }
        var renamed = KeySet()
        for key: UInt8 in 0..<8 where set.contains(key) { renamed.insert(name(of: key)) }
        return renamed
    }
}
