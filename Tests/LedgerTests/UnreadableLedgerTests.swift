// SPDX-License-Identifier: Apache-2.0

import Foundation
import MountModel
import SystemPackage
import Testing

@testable import Ledger

@Suite("A ledger that cannot be read")
struct UnreadableLedgerTests {
    @Test(
        "damage is found at opening, the file is moved aside as it is, and a new one can begin",
        arguments: Damage.allCases)
    func damaged(damage: Damage) async throws {
        try await withLedgerFolder { folder in
            try await fill(folder)
            let bytes = try damage.done(to: folder.bytes())
            try bytes.write(to: URL(fileURLWithPath: folder.file.string))
            let failure = try folder.openFailure()
            #expect(failure.reason == .unreadable)
            #expect(failure.error.message.contains(folder.file.string))
            #expect(try folder.bytes() == bytes)

            let aside = try SQLiteLedger.moveAside(in: folder.path)
            #expect(aside == folder.path.appending("ledger.sqlite.unreadable-1"))
            #expect(try Data(contentsOf: URL(fileURLWithPath: aside.string)) == bytes)
            #expect(try await folder.contents() == LedgerContents())
        }
    }

    @Test("what was moved aside before is never overwritten, and the log goes with its ledger")
    func numbers() async throws {
        try await withLedgerFolder { folder in
            for number in 1...3 {
                for suffix in ["", "-wal", "-shm"] {
                    try Data("\(number)\(suffix)".utf8).write(to: URL(fileURLWithPath: folder.file.string + suffix))
                }
                _ = try SQLiteLedger.moveAside(in: folder.path)
            }
            for number in 1...3 {
                for suffix in ["", "-wal", "-shm"] {
                    let moved = URL(fileURLWithPath: "\(folder.file.string).unreadable-\(number)\(suffix)")
                    #expect(try Data(contentsOf: moved) == Data("\(number)\(suffix)".utf8))
                }
            }
            let error = #expect(throws: MountError.self) { _ = try SQLiteLedger.moveAside(in: folder.path) }
            #expect(error?.code == .notFound)
        }
    }

    @Test("a log without its ledger, as an interrupted move leaves it, is not thrown away")
    func logAlone() async throws {
        try await withLedgerFolder { folder in
            let log = Data("the last changes".utf8)
            try log.write(to: URL(fileURLWithPath: folder.file.string + "-wal"))
            #expect(try folder.openFailure().reason == .unreadable)
            #expect(try folder.bytes("-wal") == log)
            let aside = try SQLiteLedger.moveAside(in: folder.path)
            #expect(aside == folder.path.appending("ledger.sqlite.unreadable-1-wal"))
            #expect(try await folder.contents() == LedgerContents())
            #expect(try Data(contentsOf: URL(fileURLWithPath: aside.string)) == log)
        }
    }

    @Test(
        "a stored value that is none, or is not what was written, is found at opening, by the name of its row",
        arguments: [
            (
                "INSERT INTO attachments VALUES ('/mnt/a', 'bad' || char(7), '.', 0, 0, 0)",
                "'bad\\u{7}', '.') of attachments"
            ),
            ("INSERT INTO attachments VALUES ('/mnt/a', CAST(x'61ff' AS TEXT), '.', 0, 0, 0)", "column 2 is not UTF-8"),
            ("INSERT INTO attachments VALUES ('/mnt/a', 'a', 'b/c', 0, 0, 0)", "row ('/mnt/a', 'a', 'b/c')"),
            ("UPDATE mounts SET options = '[[]]'", "row ('/mnt/a') of mounts: its options"),
            ("UPDATE mounts SET options = '{'", "row ('/mnt/a') of mounts: its options"),
            (
                "INSERT INTO mounts SELECT 'mnt/../a', type, source, options, NULL, boot_id, NULL, 0 FROM mounts",
                "'mnt/../a'"
            ),
            (
                "UPDATE attachments SET consumer = 'another' WHERE consumer = 'first'",
                "row ('/mnt/a', 'another', '.') of attachments: its checksum"
            ),
            ("UPDATE mounts SET mount_id = mount_id + 8", "row ('/mnt/a') of mounts: its checksum"),
            ("UPDATE touched SET digest = digest + 1", "do not add up"),
        ])
    func strangeValue(sql: String, expected: String) async throws {
        try await withLedgerFolder { folder in
            try await fill(folder, count: 1)
            try folder.tamper(sql)
            let failure = try folder.openFailure()
            #expect(failure.reason == .unreadable)
            #expect(failure.error.message.contains(expected), "\(failure.error.message)")
        }
    }

    @Test("a row that is missing is noticed, and one that the administrator deletes with SQL is not missed")
    func missingRow() async throws {
        try await withLedgerFolder { folder in
            try await fill(folder, count: 2)
            try folder.tamper("UPDATE attachments SET consumer = 'flipped' WHERE consumer = 'first'")
            #expect(try folder.openFailure().reason == .unreadable)
            try folder.tamper("DELETE FROM attachments WHERE consumer = 'flipped'")
            #expect(try await folder.contents().consumers == ["consumer 1"])
            // As a page of yesterday would: the row is gone, and the digest knows nothing of it.
            try folder.tamper("DROP TRIGGER attachments_delete; DELETE FROM attachments")
            let failure = try folder.openFailure()
            #expect(failure.reason == .unreadable)
            #expect(failure.error.message.contains("do not add up"), "\(failure.error.message)")
        }
    }

    @Test("an empty database beside a log with something in it is not thrown away with the log")
    func emptyWithLog() async throws {
        try await withLedgerFolder { folder in
            let log = Data("the last changes".utf8)
            try Data().write(to: URL(fileURLWithPath: folder.file.string))
            try log.write(to: URL(fileURLWithPath: folder.file.string + "-wal"))
            #expect(try folder.openFailure().reason == .unreadable)
            #expect(try folder.bytes("-wal") == log)
        }
    }

    @Test("a ledger that is moved aside while it is opened keeps every byte, its log too")
    func movedWhole() async throws {
        try await withLedgerFolder { folder in
            let ledger = try folder.open()
            for number in 0..<50 { try await ledger.commit(try Sample.attach("/mnt/\(number)", "a")) }
            let crashed = try folder.copy()
            try await ledger.close()
            var bytes = try crashed.bytes()
            bytes.replaceSubrange(0..<100, with: Data(repeating: 0x5A, count: 100))
            try bytes.write(to: URL(fileURLWithPath: crashed.file.string))
            let log = try crashed.bytes("-wal")
            #expect(log.count > 4096)
            let failure = try #require(throws: LedgerOpenError.self) {
                _ = try SQLiteLedger.open(at: crashed.path, movesUnreadableAside: true)
            }
            #expect(failure.reason == .unreadable)
            let aside = crashed.path.appending("ledger.sqlite.unreadable-1")
            #expect(failure.movedTo == aside)
            #expect(try Data(contentsOf: URL(fileURLWithPath: aside.string)) == bytes)
            #expect(try Data(contentsOf: URL(fileURLWithPath: aside.string + "-wal")) == log)
            #expect(try FileManager.default.contentsOfDirectory(atPath: crashed.path.string).count == 2)
            try crashed.remove()
        }
    }

    @Test("a move that was interrupted after the ledger is finished under the same number")
    func interruptedMove() async throws {
        try await withLedgerFolder { folder in
            try Data("main".utf8).write(to: URL(fileURLWithPath: folder.file.string + ".unreadable-1"))
            try Data("log".utf8).write(to: URL(fileURLWithPath: folder.file.string + "-wal"))
            let failure = try #require(throws: LedgerOpenError.self) {
                _ = try SQLiteLedger.open(at: folder.path, movesUnreadableAside: true)
            }
            #expect(failure.movedTo == folder.path.appending("ledger.sqlite.unreadable-1"))
            let moved = URL(fileURLWithPath: folder.file.string + ".unreadable-1-wal")
            #expect(try Data(contentsOf: moved) == Data("log".utf8))
        }
    }

    @Test("a row that breaks the schema's own rules is found at opening")
    func brokenRule() async throws {
        try await withLedgerFolder { folder in
            try await fill(folder, count: 1)
            try folder.tamper(
                "PRAGMA ignore_check_constraints = ON; INSERT INTO attachments VALUES ('/mnt/a', 'a', '.', 0, 7, 0)")
            let failure = try folder.openFailure()
            #expect(failure.reason == .unreadable)
            #expect(failure.error.message.contains("quick_check"))
        }
    }

    @Test("an attachment without its record is found at opening")
    func orphan() async throws {
        try await withLedgerFolder { folder in
            try await fill(folder, count: 1)
            try folder.tamper("INSERT INTO attachments VALUES ('/mnt/none', 'a', '.', 0, 0, 0)")
            #expect(try folder.openFailure().reason == .unreadable)
        }
    }

    private func fill(_ folder: LedgerFolder, count: Int = 400) async throws {
        let ledger = try folder.open()
        var change = try Sample.attach("/mnt/a", "first")
        for number in 1..<count { change.add.append(Attachment(key: try Sample.key("consumer \(number)"), owner: 0)) }
        try await ledger.commit(change)
        try await ledger.close()
    }

    /// Ways to damage a file of several pages of 4,096 bytes.
    enum Damage: CaseIterable {
        case header, schemaPage, dataPage, cut

        func done(to bytes: Data) throws -> Data {
            var bytes = bytes
            let pages = bytes.count / 4096
            try #require(pages > 4)
            switch self {
            case .header: bytes.replaceSubrange(0..<16, with: Data(repeating: 0x5A, count: 16))
            case .schemaPage: bytes.replaceSubrange(100..<4096, with: Data(repeating: 0x5A, count: 3996))
            case .dataPage:
                bytes.replaceSubrange((pages - 1) * 4096..<pages * 4096, with: Data(repeating: 0x5A, count: 4096))
            case .cut: bytes = bytes.prefix(2 * 4096 + 100)
            }
            return bytes
        }
    }
}
