// SPDX-License-Identifier: Apache-2.0

/// Worlds that have been reached and not been expanded, in the order in which they were reached.
///
/// They take most of an exploration's memory: kept in blocks, each of which is let go before the next is expanded, they
/// take half of what one array would.
struct Frontier {
    private static let blockSize = 4096
    private var blocks: [[World]] = []
    private var first = 0

    var isEmpty: Bool { first == blocks.count }

    mutating func append(_ world: World) {
        if blocks.last?.count ?? Self.blockSize == Self.blockSize {
            blocks.append([])
            blocks[blocks.count - 1].reserveCapacity(Self.blockSize)
        }
        blocks[blocks.count - 1].append(world)
    }

    /// Takes out the oldest; none where there are none.
    mutating func takeBlock() -> [World] {
        guard first < blocks.count else { return [] }
        defer { first += 1 }
        var block: [World] = []
        swap(&block, &blocks[first])
        return block
    }
}
