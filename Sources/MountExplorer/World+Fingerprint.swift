// SPDX-License-Identifier: Apache-2.0

import MountModel

// What makes two worlds the same: all but the names of requests (counted by arrival), of mounts (counted by first use)
// and, where nothing tells them apart, of consumers (sorted by what each of them has).
//
// What the checks keep equal is added once: `held`, `row`, `operation`, `write`, `built` and the timer.
extension World {
    func fingerprint() -> Fingerprint {
        var encoder = WorldEncoder(keys: keyNames())
        encoder.add(self)
        return encoder.mixer.finish()
    }

    /// The new name of each key.
    private func keyNames() -> KeyNames {
        var names = KeyNames()
        guard scenario.consumers > 1 else { return names }
        let volumes = scenario.volumes
        // Consumers with the same signature have the same keys everywhere and no request, so their order is all one.
        var last: (signature: UInt64, consumer: Int)?
        for place in 0..<scenario.consumers {
            var next: (signature: UInt64, consumer: Int)?
            for consumer in 0..<scenario.consumers {
                let candidate = (signature: signature(of: consumer), consumer: consumer)
                if let last, candidate <= last { continue }
                if let found = next, found <= candidate { continue }
                next = candidate
            }
            guard let next else { return names }
            for volume in 0..<volumes {
                names.rename(UInt8(next.consumer * volumes + volume), to: UInt8(place * volumes + volume))
            }
            last = next
        }
        return names
    }

    /// All that one consumer has, in one number.
    private func signature(of consumer: Int) -> UInt64 {
        let shift = UInt8(consumer * scenario.volumes)
        let bits = UInt64(scenario.volumes)
        let mask: UInt8 = (1 << UInt8(scenario.volumes)) - 1
        var signature: UInt64 = 0
        func add(_ set: KeySet) { signature = signature << bits | UInt64(set.bits >> shift & mask) }
        add(ledger.held)
        add(synced.held)
        add(promised)
        if scenario.features.contains(.upgrades) {
            add(ledger.persistent)
            add(synced.persistent)
            add(vowed)
        }
        add(KeySet(machine.doomed))
        if let write = machine.write {
            add(KeySet(write.add))
            add(KeySet(write.remove))
            if scenario.features.contains(.upgrades) { add(KeySet(write.persistent)) }
        }
        for request in outstanding {
            let isOwn = Int(request.key) / scenario.volumes == consumer
            signature = signature << 1 | (isOwn ? 1 : 0)
        }
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
