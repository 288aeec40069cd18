// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import MountModel
import SystemPackage
import Testing

@testable import Ledger

@Suite("A ledger whose disk fails to read")
struct ReadFaultTests {
    @Test(
        "each read of a start may fail: the ledger stays in its place, and the next start finds everything",
        arguments: [1, .max])
    func everyRead(failures: Int) async throws {
        try FaultingFileSystem.install()
        try await withLedgerFolder { folder in
            let crashed = try await Self.fill(folder)
            let expected = try await Self.contents(ofCopyOf: crashed)
            for (suffix, leastReads) in [("", 6), ("-wal", 8)] {
                var number = 0
                var isOver = false
                while !isOver {
                    let copy = try crashed.copy()
                    let file = copy.file.string + suffix
                    FaultingFileSystem.plan(.init(reads: failures, readsBefore: number), forFile: file)
                    try await Self.start(on: copy, "read \(number) of \(suffix)")
                    isOver = FaultingFileSystem.rest(ofPlanForFile: file)?.reads == failures
                    FaultingFileSystem.endPlan(forFile: file)
                    try await Self.check(copy, expected, "read \(number) of \(suffix)")
                    number += 1
                }
                #expect(number > leastReads, "the start reads more of ledger\(suffix)")
            }
            try crashed.remove()
        }
    }

    /// As above, with the kernel's own answer, of which SQLite makes more than one error.
    @Test("the same where the kernel answers EIO")
    func everySystemCall() async throws {
        await #expect(processExitsWith: .success) {
            try FaultingSystemCalls.install()
            try await withLedgerFolder { folder in
                let crashed = try await Self.fill(folder)
                let expected = try await Self.contents(ofCopyOf: crashed)
                for failures in [1, Int.max] {
                    var number = 0
                    var isOver = false
                    while !isOver {
                        let copy = try crashed.copy()
                        FaultingSystemCalls.plan(.init(readsBefore: number, reads: failures))
                        try await Self.start(on: copy, "read \(number)")
                        isOver = FaultingSystemCalls.rest.reads == failures
                        FaultingSystemCalls.plan(.init())
                        try await Self.check(copy, expected, "read \(number)")
                        number += 1
                    }
                    #expect(number > 28)
                }
                try crashed.remove()
            }
        }
    }

    @Test(
        "a finding of the check that hides a read which failed is told from damage",
        arguments: [
            ("ok", "sound"),
            ("*** in database main ***\nPage 4: unable to get the page. error code=266", "266"),
            ("*** in database main ***\nPage 4: unable to get the page. error code=8458", "8458"),
            ("Tree 4 page 9: unable to get the page. error code=3082", "3082"),
            ("Page 4: unable to get the page. error code=7", "7"),
            ("*** in database main ***\nMain freelist: failed to get page 9", "10"),
            ("Page 4: unable to get the page. error code=11", "broken"),
            ("Page 4: btreeInitPage() returns error code 11", "broken"),
            ("On page 4 at right child: invalid page number 10", "broken"),
            ("error code", "broken"),
            ("nothing", "broken"),
        ])
    func findings(finding: String, expected: String) {
        switch QuickCheck(firstFinding: finding) {
        case .sound: #expect(expected == "sound")
        case .broken(let words): #expect(expected == "broken" && words == finding)
        case .unread(let error): #expect(expected == "\(error.extendedResultCode.rawValue)")
        }
    }

    /// A start with a fault in its way: it succeeds, or says that the ledger is not to be had now.
    private static func start(on folder: LedgerFolder, _ fault: String) async throws {
        do {
            try await SQLiteLedger.open(at: folder.path, movesUnreadableAside: true).close()
        } catch let failure as LedgerOpenError {
            #expect(failure.reason == .unavailable, "\(fault): \(failure)")
            #expect(failure.movedTo == nil, "\(fault)")
            #expect(failure.error.code == .unavailable, "\(fault)")
        }
    }

    /// The ledger is in its place, with everything that was in it.
    private static func check(_ folder: LedgerFolder, _ expected: LedgerContents, _ fault: String) async throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path.string)
        #expect(!names.contains { $0.contains("unreadable") }, "\(fault): \(names)")
        #expect(try await folder.contents() == expected, "\(fault)")
        try folder.remove()
    }

    private static func contents(ofCopyOf folder: LedgerFolder) async throws -> LedgerContents {
        let copy = try folder.copy()
        let contents = try await copy.contents()
        try copy.remove()
        return contents
    }

    /// A ledger as a crash leaves it: several pages in the file and in the log, values that take several pages, free
    /// pages.
    private static func fill(_ folder: LedgerFolder) async throws -> LedgerFolder {
        let ledger = try folder.open()
        let point = try Mountpoint("/mnt/a")
        let keys = try (0..<200).map { try Sample.key("consumer \($0)") }
        let long = MountSource(
            type: FilesystemType(rawValue: "tmpfs"), source: "tmpfs",
            options: [MountOption("long", String(repeating: "x", count: 20_000))])
        let record = MountRecord(source: long, boot: BootID(rawValue: "boot"), mountID: nil)
        try await ledger.commit(
            LedgerChange(
                mountpoint: point, record: .set(record), add: keys.map { Attachment(key: $0, owner: 0) }))
        try await ledger.commit(LedgerChange(mountpoint: point, remove: Array(keys.prefix(150))))
        try await ledger.close()
        let reopened = try folder.open()
        for number in 0..<4 { try await reopened.commit(try Sample.attach("/mnt/\(number)", "in the log")) }
        let crashed = try folder.copy()
        try await reopened.close()
        return crashed
    }
}
