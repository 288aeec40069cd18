// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import MountModel
import MountTestSupport
import SystemPackage
import Testing

@testable import Ledger

@Suite("A ledger on a real filesystem that is full or read-only")
struct FullDiskTests {
    @Test("a change that does not fit fails, the earlier ones stay, and with space it goes on")
    func fullDisk() async throws {
        try await withSmallFilesystem { folder in
            let ledger = try folder.open()
            try await ledger.commit(try Sample.attach("/mnt/a", "earlier"))
            let filler = try fillUp(folder)
            var written: Set<String> = ["earlier"]
            var failure: MountError?
            for number in 0..<200 where failure == nil {
                do throws(MountError) {
                    try await ledger.commit(sample(number))
                    written.insert("consumer \(number)")
                } catch {
                    failure = error
                }
            }
            #expect(failure?.code == .resourceExhausted)
            #expect(failure?.hint == "free space on the filesystem that holds \(folder.path), or raise the quota")
            #expect(failure?.message.contains("database or disk is full") == true)
            #expect(try await ledger.load().consumers == written)
            let copy = try folder.copy()
            #expect(try await copy.contents().consumers == written)
            try copy.remove()

            try FileManager.default.removeItem(atPath: filler)
            try await ledger.commit(try Sample.attach("/mnt/b", "afterwards"))
            written.insert("afterwards")
            #expect(try await ledger.load().consumers == written)
            #expect(await ledger.counters.overwrites == 0)
            try await ledger.close()
            #expect(try await folder.contents().consumers == written)
        }
    }

    @Test("a ledger for which a full filesystem has no room is opened, and made by the first change that finds some")
    func fullAtOpening() async throws {
        try await withSmallFilesystem { folder in
            let filler = try fillUp(folder)
            let ledger = try folder.open()
            #expect(try await ledger.load() == LedgerContents())
            for _ in 0..<2 {
                let change = try Sample.attach("/mnt/a", "early")
                let refusal = await #expect(throws: MountError.self) { try await ledger.commit(change) }
                #expect(refusal?.code == .resourceExhausted)
                #expect(refusal?.hint?.contains("free space") == true)
            }
            #expect(try await ledger.load() == LedgerContents())
            // Whoever opens it meanwhile finds the same.
            let copy = try folder.copy()
            #expect(try await copy.contents() == LedgerContents())
            try copy.remove()
            try FileManager.default.removeItem(atPath: filler)
            try await ledger.commit(try Sample.attach("/mnt/a", "first"))
            #expect(try await ledger.load().consumers == ["first"])
            try await ledger.checkPlace()
            try await ledger.close()
            #expect(try await folder.contents().consumers == ["first"])
        }
    }

    @Test("one that never found room is closed, and can be made by the next")
    func neverMade() async throws {
        try await withSmallFilesystem { folder in
            let filler = try fillUp(folder)
            try await folder.open().close()
            try await folder.open().close()
            try FileManager.default.removeItem(atPath: filler)
            #expect(try await folder.contents() == LedgerContents())
        }
    }

    @Test("a read-only state folder is unavailable, and the message says why")
    func readOnly() async throws {
        try await withSmallFilesystem { folder in
            try await folder.open().close()
            let flags = UInt(MS_REMOUNT) | UInt(MS_RDONLY)
            try #require(mount("none", folder.path.string, nil, flags, nil) == 0)
            let failure = try folder.openFailure()
            #expect(failure.reason == .unavailable)
            #expect(failure.error.code == .unavailable)
            #expect(failure.error.context.errno == EROFS)
            #expect(failure.error.hint?.contains("read-only") == true)
        }
    }

    private func sample(_ number: Int) throws(MountError) -> LedgerChange {
        LedgerChange(
            mountpoint: try Mountpoint("/mnt/a"),
            add: [
                Attachment(
                    key: AttachmentKey(volume: .whole, consumer: try Consumer("consumer \(number)")), owner: 0)
            ])
    }

    /// Takes all the space there is; returns the file that has it.
    private func fillUp(_ folder: LedgerFolder) throws -> String {
        let path = folder.path.appending("filler")
        let descriptor = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec], permissions: [.ownerReadWrite])
        defer { #expect(throws: Never.self) { try descriptor.close() } }
        let page = [UInt8](repeating: 0, count: 4096)
        #expect(throws: Errno.noSpace) { while true { _ = try descriptor.writeAll(page) } }
        return path.string
    }

    /// A tmpfs of 512 KiB, mounted on a folder of the test's own in a mount namespace of the test's own.
    private func withSmallFilesystem(_ body: (LedgerFolder) async throws -> Void) async throws {
        try PrivateNamespace.require()
        try await withLedgerFolder { folder in
            let flags = UInt(MS_NOSUID) | UInt(MS_NODEV) | UInt(MS_NOEXEC)
            try #require(mount("tmpfs", folder.path.string, "tmpfs", flags, "size=512k,mode=0700") == 0)
            // Lazily, because a process that another test is just starting has this one's descriptors until it
            // executes.
            do {
                try await body(folder)
            } catch {
                #expect(umount2(folder.path.string, CInt(MNT_DETACH)) == 0)
                throw error
            }
            let open = try descriptors(beneath: folder.path)
            #expect(open.isEmpty, "left open: \(open)")
            #expect(umount2(folder.path.string, CInt(MNT_DETACH)) == 0)
        }
    }

    /// What this process has open in a folder.
    private func descriptors(beneath folder: FilePath) throws -> [String] {
        var found: [String] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            // Others come and go meanwhile; those of this folder are at rest.
            guard let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)") else {
                continue
            }
            if path.hasPrefix(folder.string + "/") { found.append(path) }
        }
        return found
    }
}
