// SPDX-License-Identifier: Apache-2.0

import MountModel

/// The mounts at the mountpoint, one over the other: ours by id, or somebody else's. At most four.
struct LayerStack: Hashable, Sendable {
    /// Sixteen bits a layer, the lowest the topmost; 0 is no layer.
    private var packed: UInt64 = 0

    private static let theirs: UInt64 = 0xFFFF

    var isEmpty: Bool { packed == 0 }

    /// The topmost mount's id, if it is ours.
    var top: MountID? { Self.id(packed & 0xFFFF) }

    /// The layers' ids from the top; nil is somebody else's.
    var layers: [MountID?] {
        var layers: [MountID?] = []
        var rest = packed
        while rest != 0 {
            layers.append(Self.id(rest & 0xFFFF))
            rest >>= 16
        }
        return layers
    }

    /// How many layers there are.
    var height: Int { 4 - packed.leadingZeroBitCount / 16 }

    func contains(_ id: MountID) -> Bool {
        var rest = packed
        while rest != 0 {
            if rest & 0xFFFF == id.rawValue { return true }
            rest >>= 16
        }
        return false
    }

    /// How many have an id: ours, and that of the external source.
    var identified: Int {
        var count = 0
        var rest = packed
        while rest != 0 {
            if rest & 0xFFFF != Self.theirs { count += 1 }
            rest >>= 16
        }
        return count
    }

    /// Whether one of them is somebody else's.
    var hasTheirs: Bool {
        var rest = packed
        while rest != 0 {
            if rest & 0xFFFF == Self.theirs { return true }
            rest >>= 16
        }
        return false
    }

    mutating func push(_ id: MountID) { pushRaw(id.rawValue) }

    mutating func pushTheirs() { pushRaw(Self.theirs) }

    mutating func pop() { packed >>= 16 }

    private mutating func pushRaw(_ raw: UInt64) {
        precondition(packed >> 48 == 0, "the stack has room for four layers")
        packed = packed << 16 | raw
    }

    private static func id(_ raw: UInt64) -> MountID? {
        raw == 0 || raw == theirs ? nil : MountID(rawValue: raw)
    }
}
