// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import GRDBSQLite
import Glibc
import MountModel
import MountTestSupport
import SystemPackage
import Testing

@testable import Ledger

@Suite("The copy of a ledger that was taken away, when others, or a power cut, have a hand in it")
struct SavedLedgerTests {
    @Test("a copy that was removed because the files are back does not come back with a power cut")
    func removedForGood() async throws {
        try await withDisk { disk in
            let saved = try disk.folder("copies")
            try await withLedgerFolder { folder in
                let ledger = try SQLiteLedger.open(at: folder.path, savingCopiesIn: saved)
                try await ledger.commit(try Sample.attach("/mnt/a", "before"))
                try #require(rename(folder.file.string, folder.file.string + ".away") == 0)
                await #expect(throws: MountError.self) { try await ledger.checkPlace() }
                #expect(try disk.namesAfterPowerCut(in: "copies") == ["ledger-saved.sqlite"])
                try #require(rename(folder.file.string + ".away", folder.file.string) == 0)
                try await ledger.commit(try Sample.attach("/mnt/b", "back", fullSync: true))
                #expect(try disk.namesAfterPowerCut(in: "copies").isEmpty)
                try await ledger.close()
            }
        }
    }

    @Test("nor does one that somebody else has removed, once a start has found none")
    func foundGone() async throws {
        try await withDisk { disk in
            let saved = try disk.folder("copies")
            let copy = saved.appending("ledger-saved.sqlite")
            try Data("a copy".utf8).write(to: URL(fileURLWithPath: copy.string))
            try Program.run("sync", "-f", saved.string)
            #expect(try SQLiteLedger.savedCopy(in: saved) == copy)
            try #require(unlink(copy.string) == 0)
            #expect(try disk.namesAfterPowerCut(in: "copies") == ["ledger-saved.sqlite"], "the danger")
            #expect(try SQLiteLedger.savedCopy(in: saved) == nil)
            #expect(try disk.namesAfterPowerCut(in: "copies").isEmpty)
        }
    }

    @Test("a copy that others remove is saved again, by the next look and by the end")
    func removedByOthers() async throws {
        try await withLedgerFolder { folder in
            try await withLedgerFolder { saved in
                let ledger = try SQLiteLedger.open(at: folder.path, savingCopiesIn: saved.path)
                try await ledger.commit(try Sample.attach("/mnt/a", "before"))
                try #require(unlink(folder.file.string) == 0)
                let copy = saved.path.appending("ledger-saved.sqlite").string
                await #expect(throws: MountError.self) { try await ledger.checkPlace() }
                try #require(unlink(copy) == 0)
                await #expect(throws: MountError.self) { try await ledger.checkPlace() }
                #expect(access(copy, F_OK) == 0)
                #expect(unlink(copy) == 0 || errno == ENOENT)
                await #expect(throws: MountError.self) { try await ledger.close() }
                try #require(rename(copy, saved.file.string) == 0)
                #expect(try await saved.contents().consumers == ["before"])
            }
        }
    }

    @Test("a ledger that was taken away is said so, and where its copy is, even where SQLite cannot close it either")
    func closedInVain() async throws {
        try await withLedgerFolder { folder in
            try await withLedgerFolder { saved in
                let ledger = try SQLiteLedger.open(at: folder.path, savingCopiesIn: saved.path)
                try await ledger.commit(try Sample.attach("/mnt/a", "before"))
                // SQLite closes no connection that has a statement still.
                let statement = await ledger.onWriterQueue { database -> UInt in
                    var statement: OpaquePointer?
                    sqlite3_prepare_v2(database.sqliteConnection, "SELECT 1", -1, &statement, nil)
                    return UInt(bitPattern: statement)
                }
                try #require(unlink(folder.file.string) == 0)
                let problem = await #expect(throws: MountError.self) { try await ledger.close() }
                #expect(problem?.message.contains("was taken from under holdfastd") == true)
                #expect(problem?.hint?.contains("\(saved.path)/ledger-saved.sqlite") == true)
                #expect(problem?.cleanupFailures.contains { $0.contains("cannot close the ledger") } == true)
                #expect(sqlite3_finalize(OpaquePointer(bitPattern: statement)) == SQLITE_OK)
            }
        }
    }
}

/// A filesystem with a journal that is written when somebody asks for it, and otherwise after minutes.
private struct Disk {
    let path: FilePath

    private var image: FilePath { path.appending("disk.img") }
    private var root: FilePath { path.appending("root") }

    init(in path: FilePath) throws {
        self.path = path
        try Program.run("truncate", "--size=16M", image.string)
        try Program.run("mkfs.ext4", "-q", image.string)
        try #require(mkdir(root.string, 0o700) == 0)
        try Program.run("mount", "-o", "loop,nosuid,nodev,noexec,commit=300", image.string, root.string)
    }

    /// A new one on it, for root alone.
    func folder(_ name: String) throws -> FilePath {
        let folder = root.appending(name)
        try #require(mkdir(folder.string, 0o700) == 0)
        return folder
    }

    /// What a folder would hold if the power went now.
    func namesAfterPowerCut(in folder: String) throws -> [String] {
        let (copy, place) = (path.appending("after.img"), path.appending("after"))
        try Program.run("cp", image.string, copy.string)
        try #require(mkdir(place.string, 0o700) == 0)
        try Program.run("mount", "-o", "loop,nosuid,nodev,noexec", copy.string, place.string)
        let names = Result {
            try FileManager.default.contentsOfDirectory(atPath: place.appending(folder).string).sorted()
        }
        try Program.run("umount", place.string)
        try #require(rmdir(place.string) == 0 && unlink(copy.string) == 0)
        return try names.get()
    }

    /// Lazily, because a process that another test is just starting has this one's descriptors until it executes.
    func unmount() throws { try Program.run("umount", "--lazy", root.string) }
}

private func withDisk(_ body: (Disk) async throws -> Void) async throws {
    try PrivateNamespace.require()
    try await withLedgerFolder { folder in
        let disk = try Disk(in: folder.path)
        do {
            try await body(disk)
        } catch {
            try disk.unmount()
            throw error
        }
        try disk.unmount()
    }
}
