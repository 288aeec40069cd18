// SPDX-License-Identifier: Apache-2.0

import Diagnosis
import Foundation
import Glibc
import Ledger
import Logging
import MountModel
import MountTestSupport
import SystemPackage
import Testing

@testable import MountManager

@Suite("What a start makes of the ledger that it finds")
struct LedgerStartTests {
    @Test("a new folder and a good ledger are opened")
    func good() async throws {
        try await withPlace { place in
            for _ in 0..<2 {
                guard case .open(let ledger) = try start(place) else {
                    Issue.record("it is read-only")
                    return
                }
                try await ledger.close()
            }
        }
    }

    @Test("an unreadable ledger is moved aside, and none begins in its place before it is asked for")
    func unreadable() async throws {
        try await withPlace { place in
            var place = place
            let ledger = place.stateFolder.appending("ledger.sqlite")
            try make(place)
            try Data("no ledger at all, but text that is long enough".utf8).write(
                to: URL(fileURLWithPath: ledger.string))
            let first = try #require(try start(place).readOnlyReason)
            #expect(first.cause == .unreadable)
            #expect(first.movedTo == ledger.string + ".unreadable-1")
            #expect(!first.knowsAttachments)
            let second = try #require(try start(place).readOnlyReason)
            #expect(second.cause == .undecided)
            #expect(second.movedTo == first.movedTo)
            #expect(second.finding.code == "ledger_unreadable")
            #expect(second.finding.action.contains("--new-ledger"))
            #expect(access(ledger.string, F_OK) != 0)
            // What a repair that failed leaves decides nothing.
            try Data().write(to: URL(fileURLWithPath: ledger.string))
            #expect(try start(place).readOnlyReason?.cause == .undecided)
            place.beginsNew = true
            guard case .open(let opened) = try start(place) else {
                Issue.record("the new ledger did not begin")
                return
            }
            try await opened.close()
            place.beginsNew = false
            #expect(try start(place).readOnlyReason == nil)
        }
    }

    @Test("a new ledger is not begun over one that is there, even if that is asked for")
    func newOverOld() async throws {
        try await withPlace { place in
            var place = place
            try make(place)
            let ledger = URL(fileURLWithPath: place.stateFolder.appending("ledger.sqlite").string)
            try Data("no ledger at all, but text that is long enough".utf8).write(to: ledger)
            place.beginsNew = true
            #expect(try start(place).readOnlyReason?.cause == .unreadable)
            #expect(access(ledger.path, F_OK) != 0)
        }
    }

    /// What is in the ledger's place while a copy of it waits.
    enum Remains: CaseIterable {
        case nothing, log, ledger
    }

    @Test(
        "while a copy of a ledger that was taken away waits, nothing is changed, whatever is in its place",
        arguments: Remains.allCases)
    func saved(remains: Remains) async throws {
        try await withPlace { place in
            var place = place
            let folder = place.stateFolder.removingLastComponent()
            let (copy, file) = (folder.appending("ledger-saved.sqlite"), place.stateFolder.appending("ledger.sqlite"))
            place.copyFolder = folder
            try make(place)
            if case .open(let ledger) = try start(place) { try await ledger.close() }
            if remains != .ledger { try #require(unlink(file.string) == 0) }
            if remains == .log { try Data("a log".utf8).write(to: URL(fileURLWithPath: file.string + "-wal")) }
            try Data("a copy".utf8).write(to: URL(fileURLWithPath: copy.string))
            let names = try FileManager.default.contentsOfDirectory(atPath: place.stateFolder.string)
            for _ in 0..<2 {
                let reason = try #require(try start(place).readOnlyReason)
                #expect(reason.cause == .saved)
                #expect(reason.finding.code == "ledger_lost")
                for part in [copy.string, file.string, "-wal", "--new-ledger", "in memory"] {
                    #expect(reason.finding.action.contains(part), "\(part)")
                }
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: place.stateFolder.string) == names)
            place.beginsNew = true
            guard case .open(let opened) = try start(place) else {
                Issue.record("--new-ledger has not ended it")
                return
            }
            try await opened.close()
            place.beginsNew = false
            #expect(try start(place).readOnlyReason == nil)
            let kept = URL(fileURLWithPath: folder.appending("ledger-given-up.sqlite").string)
            #expect(try Data(contentsOf: kept) == Data("a copy".utf8))
        }
    }

    @Test("where the copy cannot be given up, the start fails, so that nothing is recorded that it does not hold")
    func keptCopy() async throws {
        try await withPlace { place in
            var place = place
            let folder = place.stateFolder.removingLastComponent()
            place.copyFolder = folder
            try make(place)
            try Data("a copy".utf8).write(to: URL(fileURLWithPath: folder.appending("ledger-saved.sqlite").string))
            let obstacle = folder.appending("ledger-given-up.sqlite")
            try #require(mkdir(obstacle.string, 0o700) == 0)
            place.beginsNew = true
            let failure = #expect(throws: MountError.self) { _ = try start(place) }
            #expect(failure?.message.contains("\(folder)/ledger-saved.sqlite") == true)
            #expect(failure?.hint?.contains("nothing is recorded") == true)
            place.beginsNew = false
            #expect(try start(place).readOnlyReason?.cause == .saved)
            try #require(rmdir(obstacle.string) == 0)
            place.beginsNew = true
            #expect(try start(place).readOnlyReason == nil)
        }
    }

    @Test("a copy that the administrator removes decides nothing any more")
    func removedCopy() async throws {
        try await withPlace { place in
            var place = place
            place.copyFolder = place.stateFolder.removingLastComponent()
            try make(place)
            let copy = place.stateFolder.removingLastComponent().appending("ledger-saved.sqlite")
            try Data("a copy".utf8).write(to: URL(fileURLWithPath: copy.string))
            #expect(try start(place).readOnlyReason != nil)
            try #require(unlink(copy.string) == 0)
            #expect(try start(place).readOnlyReason == nil)
        }
    }

    @Test("where there is no ledger and no room for its file, the start fails, for the next one may find some")
    func noInodes() async throws {
        try PrivateNamespace.require()
        try await withPlace { place in
            try make(place)
            try #require(mount("tmpfs", place.stateFolder.string, "tmpfs", 0, "nr_inodes=1,mode=0700") == 0)
            let failure = #expect(throws: MountError.self) { _ = try start(place) }
            #expect(failure?.code == .resourceExhausted)
            #expect(failure?.hint?.contains("free space") == true)
            #expect(umount2(place.stateFolder.string, CInt(MNT_DETACH)) == 0)
        }
    }

    @Test("what was read of a ledger refuses every change, and says why")
    func refuses() async throws {
        let contents = LedgerContents(mounts: [try Mountpoint("/mnt/a"): .init(record: Self.record)])
        let reason = ReadOnlyReason(
            .unwritable, MountError(.unavailable, "the disk is read-only", hint: "mount it read-write"),
            knowsAttachments: true)
        let ledger = ReadOnlyLedger(contents: contents, reason: reason)
        #expect(try await ledger.load() == contents)
        let change = LedgerChange(mountpoint: try Mountpoint("/mnt/a"), record: .delete)
        let error = await #expect(throws: MountError.self) { try await ledger.commit(change) }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("the disk is read-only") == true)
        #expect(error?.hint?.contains("holdfast doctor") == true)
        #expect(reason.finding.action.contains("mount it read-write"))
    }

    private static let record = MountRecord(
        source: MountSource(type: FilesystemType(rawValue: "tmpfs"), source: "data", options: []),
        boot: BootID(rawValue: "boot"), mountID: MountID(rawValue: 7))

    private func start(_ place: LedgerStart.Place) throws -> LedgerStart {
        try LedgerStart(at: place, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func make(_ place: LedgerStart.Place) throws {
        try FileManager.default.createDirectory(
            atPath: place.stateFolder.string, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700])
    }

    private func withPlace(_ body: (LedgerStart.Place) async throws -> Void) async throws {
        let folder = FilePath(NSTemporaryDirectory()).appending("start-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: false)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(atPath: folder.string) } }
        try await body(LedgerStart.Place(stateFolder: folder.appending("state"), scratch: folder.appending("copy")))
    }
}
