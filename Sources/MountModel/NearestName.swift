// SPDX-License-Identifier: Apache-2.0

/// Finds the name that somebody who mistyped it most likely meant.
public enum NearestName {
    /// The closest of `candidates`, the first of several; nil where none is close enough to be meant.
    ///
    /// Counted are bytes put in, taken out, replaced or swapped with their neighbour, in upper or lower case: at most
    /// half of the longer name, and one in any case. A pure function.
    public static func find(_ name: String, among candidates: [String]) -> String? {
        let wanted = Array(name.utf8.prefix(maximumLength)).map(lowercased)
        var best: (name: String, distance: Int)?
        for candidate in candidates {
            let distance = distance(wanted, Array(candidate.utf8.prefix(maximumLength)).map(lowercased))
            if distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        guard let best, best.distance <= max(1, max(wanted.count, best.name.utf8.count) / 2) else { return nil }
        return best.name
    }

    /// How many bytes must be put in, taken out, replaced or swapped with their neighbour.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in 1...left.count {
            var current = [row]
            for column in 1...right.count {
                let replaced = last[column - 1] + (left[row - 1] == right[column - 1] ? 0 : 1)
                var least = min(replaced, last[column] + 1, current[column - 1] + 1)
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    least = min(least, beforeLast[column - 2] + 1)
                }
                current.append(least)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }

    /// Longer texts are nobody's slip of the finger, and the work grows with the square.
    private static let maximumLength = 64

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
