// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import MountModel
import MountTestSupport
import SystemPackage
import Testing

@testable import Ledger

@Suite("A ledger that is taken from under the daemon")
struct LostLedgerTests {
    /// What others do to its files, and how they undo it.
    enum Loss: CaseIterable {
        case removed, logRemoved, moved, replaced, covered

        func happen(to folder: LedgerFolder) throws {
            let file = folder.file.string
            switch self {
            case .removed: try #require(unlink(file) == 0)
            case .logRemoved: try #require(unlink(file + "-wal") == 0)
            case .moved: try #require(rename(file, file + ".away") == 0)
            case .replaced:
                let bytes = try folder.bytes()
                try #require(rename(file, file + ".away") == 0)
                try bytes.write(to: URL(fileURLWithPath: file))
            case .covered: try #require(mount("tmpfs", folder.path.string, "tmpfs", 0, "size=1m,mode=0700") == 0)
            }
        }

        /// False where the files are gone for ever.
        func end(in folder: LedgerFolder) throws -> Bool {
            let file = folder.file.string
            switch self {
            case .removed, .logRemoved: return false
            case .moved, .replaced: try #require(rename(file + ".away", file) == 0)
            case .covered: try #require(umount2(folder.path.string, CInt(MNT_DETACH)) == 0)
            }
            return true
        }
    }

    @Test("nothing more is acknowledged, all that was is saved, and the same files in their place end it")
    func lost() async throws {
        try PrivateNamespace.require()
        for loss in Loss.allCases {
            try await withLedger { folder, saved, ledger in
                try await ledger.checkPlace()
                try loss.happen(to: folder)
                for isPersistent in [false, true] {
                    let change = try Sample.attach("/mnt/b", "after", fullSync: isPersistent)
                    let refusal = await #expect(throws: MountError.self, "\(loss)") {
                        try await ledger.commit(change)
                    }
                    #expect(refusal?.code == .unavailable)
                    #expect(refusal?.message.contains(folder.file.string) == true)
                }
                #expect(try await ledger.load().consumers == ["before"])
                for _ in 0..<2 {
                    let problem = await #expect(throws: MountError.self) { try await ledger.checkPlace() }
                    #expect(problem?.hint?.contains("\(saved.path)/ledger-saved.sqlite") == true)
                }
                #expect(try names(in: saved.path) == ["ledger-saved.sqlite"])
                if try loss.end(in: folder) {
                    try await ledger.checkPlace()
                    try await ledger.commit(try Sample.attach("/mnt/b", "back"))
                    try await ledger.close()
                    #expect(try await folder.contents().consumers == ["before", "back"], "\(loss)")
                    #expect(try names(in: saved.path).isEmpty, "\(loss)")
                    return
                }
                await #expect(throws: MountError.self) { try await ledger.close() }
                // The copy is a ledger like any other, once it has the name.
                let copy = saved.path.appending("ledger-saved.sqlite").string
                try #require(rename(copy, saved.file.string) == 0)
                #expect(try await saved.contents().consumers == ["before"])
            }
        }
    }

    @Test("what is cut in its place counts as taken away, and no size makes good for that", arguments: ["", "-wal"])
    func cut(_ suffix: String) async throws {
        try await withLedger { folder, saved, ledger in
            let file = folder.file.string + suffix
            var before = stat()
            try #require(stat(file, &before) == 0 && before.st_size > 0 && truncate(file, before.st_size / 2) == 0)
            for _ in 0..<2 {
                let refusal = await #expect(throws: MountError.self) {
                    try await ledger.commit(try Sample.attach("/mnt/b", "after", fullSync: true))
                }
                #expect(refusal?.code == .unavailable)
                #expect(refusal?.message.contains("\(file) was cut from \(before.st_size)") == true)
                let problem = await #expect(throws: MountError.self) { try await ledger.checkPlace() }
                #expect(problem?.hint?.contains("goes on by itself") == false, "\(problem?.hint ?? "")")
                try #require(truncate(file, before.st_size) == 0)
            }
            // What SQLite has in memory may be enough for a copy, or not.
            if try names(in: saved.path) == ["ledger-saved.sqlite"] {
                let copy = saved.path.appending("ledger-saved.sqlite").string
                try #require(rename(copy, saved.file.string) == 0)
                #expect(try await saved.contents().consumers == ["before"])
            }
            await #expect(throws: MountError.self) { try await ledger.close() }
        }
    }

    @Test("a copy is saved at the end too, if nobody has asked before")
    func savedAtTheEnd() async throws {
        try await withLedger { folder, saved, ledger in
            try #require(unlink(folder.file.string) == 0)
            let problem = await #expect(throws: MountError.self) { try await ledger.close() }
            #expect(problem?.hint?.contains("ledger-saved.sqlite") == true)
            #expect(try names(in: saved.path) == ["ledger-saved.sqlite"])
            try await ledger.close()
        }
    }

    @Test("where no copy can be made, the problem says so, and it is tried again")
    func noCopy() async throws {
        try await withLedgerFolder { folder in
            try await withLedgerFolder { above in
                let place = above.path.appending("copies")
                let ledger = try SQLiteLedger.open(at: folder.path, savingCopiesIn: place)
                try #require(unlink(folder.file.string) == 0)
                let problem = await #expect(throws: MountError.self) { try await ledger.checkPlace() }
                #expect(problem?.hint?.contains("must not be stopped") == true)
                #expect(problem?.cleanupFailures.isEmpty == false)
                try #require(mkdir(place.string, 0o700) == 0)
                let later = await #expect(throws: MountError.self) { try await ledger.checkPlace() }
                #expect(later?.hint?.contains("ledger-saved.sqlite") == true)
                await #expect(throws: MountError.self) { try await ledger.close() }
            }
        }
    }

    @Test("a copy for which there is no room leaves nothing, and with room there is one")
    func noRoom() async throws {
        try PrivateNamespace.require()
        try await withLedgerFolder { folder in
            try await withLedgerFolder { saved in
                try #require(mount("tmpfs", saved.path.string, "tmpfs", 0, "size=16k,mode=0700") == 0)
                defer { #expect(umount2(saved.path.string, CInt(MNT_DETACH)) == 0) }
                let ledger = try SQLiteLedger.open(at: folder.path, savingCopiesIn: saved.path)
                try await ledger.commit(try Sample.attach("/mnt/a", "before"))
                try #require(unlink(folder.file.string) == 0)
                for _ in 0..<2 {
                    let problem = await #expect(throws: MountError.self) { try await ledger.checkPlace() }
                    #expect(problem?.hint?.contains("must not be stopped") == true)
                    #expect(problem?.cleanupFailures.first?.contains("full") == true)
                    #expect(try names(in: saved.path).isEmpty)
                }
                try #require(mount("none", saved.path.string, nil, UInt(MS_REMOUNT), "size=1m") == 0)
                // What a kill in the middle leaves.
                for suffix in ["", "-journal"] {
                    try Data("torn".utf8).write(
                        to: URL(fileURLWithPath: "\(saved.path)/ledger-saving.sqlite\(suffix)"))
                }
                let problem = await #expect(throws: MountError.self) { try await ledger.checkPlace() }
                #expect(problem?.hint?.contains("ledger-saved.sqlite") == true)
                #expect(try names(in: saved.path) == ["ledger-saved.sqlite"])
                await #expect(throws: MountError.self) { try await ledger.close() }
            }
        }
    }

    @Test("looks that overlap, and the end with them, save one copy")
    func overlapping() async throws {
        try await withLedger { folder, saved, ledger in
            try #require(unlink(folder.file.string) == 0)
            await withTaskGroup { group in
                for _ in 0..<4 {
                    group.addTask { await #expect(throws: MountError.self) { try await ledger.checkPlace() } }
                }
                await group.waitForAll()
            }
            await #expect(throws: MountError.self) { try await ledger.close() }
            #expect(try names(in: saved.path) == ["ledger-saved.sqlite"])
        }
    }

    @Test("when the files are back, the copy goes before anything is committed")
    func backAndCommitted() async throws {
        try await withLedger { folder, saved, ledger in
            try Loss.moved.happen(to: folder)
            await #expect(throws: MountError.self) { try await ledger.checkPlace() }
            #expect(try names(in: saved.path) == ["ledger-saved.sqlite"])
            #expect(try Loss.moved.end(in: folder))
            try await ledger.commit(try Sample.attach("/mnt/b", "back"))
            #expect(try names(in: saved.path).isEmpty)
            try await ledger.close()
        }
    }

    @Test("a file that is replaced before the disk has room for the tables is not written")
    func replacedBeforeItIsMade() async throws {
        try PrivateNamespace.require()
        try await withLedgerFolder { folder in
            try #require(mount("tmpfs", folder.path.string, "tmpfs", 0, "size=64k,mode=0700") == 0)
            defer { #expect(umount2(folder.path.string, CInt(MNT_DETACH)) == 0) }
            let filler = folder.path.appending("filler")
            let pages = Data(repeating: 0, count: 64 << 10)
            try pages.write(to: URL(fileURLWithPath: filler.string))
            try await withLedgerFolder { saved in
                let ledger = try SQLiteLedger.open(at: folder.path, savingCopiesIn: saved.path)
                try await ledger.checkPlace()
                try #require(unlink(folder.file.string) == 0)
                try Data().write(to: URL(fileURLWithPath: folder.file.string))
                try #require(unlink(filler.string) == 0)
                let change = try Sample.attach("/mnt/a", "nowhere")
                for _ in 0..<2 {
                    let refusal = await #expect(throws: MountError.self) { try await ledger.commit(change) }
                    #expect(refusal?.code == .unavailable)
                    #expect(refusal?.message.contains("\(folder.file) is another file now") == true)
                }
                let problem = await #expect(throws: MountError.self) { try await ledger.checkPlace() }
                #expect(problem?.hint?.contains("restart holdfastd") == true)
                await #expect(throws: MountError.self) { try await ledger.close() }
                // Nothing was recorded that could be saved.
                #expect(try names(in: saved.path).isEmpty)
            }
        }
    }

    /// Runs the body with a ledger of one consumer, `before`, and the folder for its copy.
    private func withLedger(
        _ body: (_ folder: LedgerFolder, _ saved: LedgerFolder, SQLiteLedger) async throws -> Void
    ) async throws {
        try await withLedgerFolder { folder in
            try await withLedgerFolder { saved in
                let ledger = try SQLiteLedger.open(at: folder.path, savingCopiesIn: saved.path)
                try await ledger.commit(try Sample.attach("/mnt/a", "before"))
                try await body(folder, saved, ledger)
            }
        }
    }

    private func names(in folder: FilePath) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.string).sorted()
    }
}
