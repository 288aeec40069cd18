// SPDX-License-Identifier: Apache-2.0

/// Finds the name that a mistyped one was probably meant to be.
enum NearestName {
    /// The candidate with the least edits (insert, delete, replace); nil if even that is more than a third of its length
    /// and more than two edits, or the name is too long to be a slip.
    static func find(_ name: String, among candidates: [String]) -> String? {
        guard name.utf8.count <= 64 else { return nil }
        let best = candidates.map { (edits: edits(from: name.lowercased(), to: $0), name: $0) }.min {
            $0.edits < $1.edits
        }
        guard let best, best.edits <= max(2, best.name.utf8.count / 3), best.edits < best.name.utf8.count else {
            return nil
        }
        return best.name
    }

    private static func edits(from left: String, to right: String) -> Int {
        let right = Array(right.utf8)
        var row = Array(0...right.count)
        for (line, byte) in left.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for (column, other) in right.enumerated() {
                let replaced = diagonal + (byte == other ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
            }
        }
        return row[right.count]
    }
}
