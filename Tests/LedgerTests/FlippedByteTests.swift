// SPDX-License-Identifier: Apache-2.0

import Foundation
import MountModel
import MountTestSupport
import SystemPackage
import Testing

@testable import Ledger

/// Bits that a disk flipped: the ledger is refused, or it says what was written at some time. It never says anything
/// else.
@Suite("A ledger with flipped bytes")
struct FlippedByteTests {
    @Test("in the database itself", arguments: [1, 2] as [UInt64])
    func database(seed: UInt64) async throws {
        try await withLedgerFolder { folder in
            let states = try await fill(folder, seed: seed)
            let refused = try await flip(folder, "", 150, seed: seed, allowing: [try #require(states.last)])
            #expect(refused > 20, "seed \(seed): \(refused) of 150 were refused")
        }
    }

    @Test("in the log that a crash has left, after which the rest of it is void", arguments: [1, 2] as [UInt64])
    func log(seed: UInt64) async throws {
        try await withLedgerFolder { folder in
            var copy: LedgerFolder?
            let states = try await fill(folder, seed: seed) { copy = try folder.copy() }
            let crashed = try #require(copy)
            _ = try await flip(crashed, "-wal", 150, seed: seed, allowing: states)
            _ = try await flip(crashed, "", 50, seed: seed, allowing: states)
            try crashed.remove()
        }
    }

    /// Writes, and says what the ledger held at each moment.
    private func fill(
        _ folder: LedgerFolder, seed: UInt64, beforeClosing: () throws -> Void = {}
    ) async throws -> [LedgerContents] {
        var model = LedgerModel(seed: seed)
        var states = [LedgerContents()]
        let ledger = try folder.open()
        for round in 0..<80 {
            let name = round < 40 ? "/mnt/\(round)" : LedgerModel.mountpoints[round % LedgerModel.mountpoints.count]
            let change = round < 40 ? try Sample.attach(name, "consumer") : try model.change(at: try Mountpoint(name))
            guard model.apply(change) else { continue }
            try await ledger.commit(change)
            states.append(model.contents)
        }
        try beforeClosing()
        try await ledger.close()
        return states
    }

    /// Opens copies, each with one to eight flipped bits; returns how many were refused.
    private func flip(
        _ folder: LedgerFolder, _ suffix: String, _ count: Int, seed: UInt64, allowing states: [LedgerContents]
    ) async throws -> Int {
        var generator = SeededGenerator(seed: seed)
        var refused = 0
        for round in 0..<count {
            let copy = try folder.copy()
            var bytes = try copy.bytes(suffix)
            var flips: [String] = []
            // Half of them where the header is, which is where everything else depends on it.
            let limit = round % 2 == 0 ? bytes.count : min(bytes.count, 200)
            for _ in 0..<Int.random(in: 1...(round % 4 == 0 ? 8 : 1), using: &generator) {
                let (offset, bit) = (
                    Int.random(in: 0..<limit, using: &generator), Int.random(in: 0..<8, using: &generator)
                )
                bytes[offset] ^= 1 << UInt8(bit)
                flips.append("\(offset).\(bit)")
            }
            try bytes.write(to: URL(fileURLWithPath: copy.file.string + suffix))
            let place: Comment = "seed \(seed), round \(round), \(suffix), flipped \(flips)"
            do {
                #expect(states.contains(try await copy.contents()), place)
            } catch let error as LedgerOpenError {
                refused += 1
                // One bit more in the version's number is a ledger of a newer holdfastd's, for all that anybody can
                // tell.
                #expect(error.reason == .unreadable || error.reason == .newerSchema, "\(place): \(error)")
            }
            try copy.remove()
        }
        return refused
    }
}
