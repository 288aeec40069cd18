// SPDX-License-Identifier: Apache-2.0

import Diagnosis
import Foundation
import MountModel
import SystemPackage
import Testing

@testable import LinuxMount

@Suite("What is wrong on a host")
struct FindingTests {
    @Test("the state folder's facts lead to these findings, and nothing leads to none")
    func stateFolder() {
        #expect(codes() == [])
        #expect(codes(presence: .missing) == ["state_folder_missing"])
        #expect(codes(presence: .otherKind) == ["state_folder_unusable"])
        #expect(codes(presence: .unknown(.permissionDenied)) == ["state_folder_unknown"])
        #expect(codes(owner: 1000) == ["state_folder_open"])
        #expect(codes(permissions: 0o750) == ["state_folder_open"])
        #expect(codes(freeBytes: 0) == ["state_disk_full"])
        #expect(codes(freeBytes: 1 << 20) == ["state_disk_low"])
        #expect(codes(freeInodes: 0) == ["state_disk_full"])
        #expect(codes(freeInodes: 3) == ["state_disk_low"])
        #expect(codes(freeInodes: nil) == [])
        #expect(codes(isReadOnly: true) == ["state_read_only"])
        #expect(codes(freeBytes: 0, isReadOnly: true) == ["state_read_only"])
    }

    @Test("ledgers that were moved aside are told apart from their logs")
    func movedAside() {
        let files = [
            "ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite.unreadable-1", "ledger.sqlite.unreadable-1-wal",
        ]
        #expect(codes(files: files) == ["ledger_moved_aside"])
        // A log alone is an old ledger too, and a log alone is one in place.
        #expect(codes(files: ["ledger.sqlite-wal", "ledger.sqlite.unreadable-1-wal"]) == ["ledger_moved_aside"])
        // That no ledger is in place is for whoever knows whether a daemon runs.
        #expect(codes(files: Array(files.dropFirst(2))) == [])
    }

    @Test("the worst comes first, and what is said twice once")
    func order() {
        let findings: [Finding] = [
            .sample("a", .notice), .sample("b", .error), .sample("c", .warning), .sample("d", .error),
        ]
        #expect((findings + findings).sortedBySeverity().map(\.code) == ["b", "d", "c", "a"])
    }

    @Test("the mount root's facts lead to these findings")
    func mountRoot() {
        let own = entry(7)
        #expect(rootCodes(mounts: [own]) == [])
        #expect(rootCodes(mounts: [entry(7, .shared)]) == ["mount_root_shared"])
        #expect(rootCodes(mounts: [own, entry(8)]) == ["mount_root_covered"])
        #expect(rootCodes(mounts: [entry(8)]) == ["mount_root_gone"])
        // Without a daemon: a bind of the folder onto itself is its own, anything else over it is not.
        var theirs = entry(9)
        theirs.device = DeviceNumber(major: 0, minor: 44)
        #expect(rootCodes(mounts: [own, entry(8)], expected: nil) == [])
        #expect(rootCodes(mounts: [own, theirs], expected: nil) == ["mount_root_covered"])
        #expect(rootCodes(mounts: [theirs], permissions: 0o1777, expected: nil) == ["mount_root_not_trusted"])
        #expect(rootCodes(mounts: [], expected: nil) == [])
        #expect(rootCodes(mounts: [own], hasImmutableFlag: false) == ["immutable_unsupported"])
        #expect(rootCodes(presence: .missing, mounts: [], expected: nil) == ["mount_root_missing"])
    }

    @Test("a real folder is looked at as it is")
    func realFolder() throws {
        let path = FilePath(NSTemporaryDirectory()).appending("diagnosis-\(UUID().uuidString)")
        #expect(FolderFacts(lookingAt: path).presence == .missing)
        let missing = StateFolderFacts(lookingAt: path).findings()
        // It may have been used all along.
        #expect(missing.map(\.code) == ["state_folder_missing"])
        #expect(missing.first?.why.contains("or its filesystem is not mounted") == true)
        try FileManager.default.createDirectory(
            atPath: path.string, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(atPath: path.string) } }
        try Data("a".utf8).write(to: URL(fileURLWithPath: path.string + "/ledger.sqlite"))
        try Data().write(to: URL(fileURLWithPath: path.string + "/ledger.sqlite-wal"))
        let facts = StateFolderFacts(lookingAt: path)
        #expect(facts.folder.presence == .folder)
        #expect(facts.folder.permissions == 0o700)
        #expect(facts.folder.space?.isReadOnly == false)
        #expect(try #require(facts.folder.space).freeBytes > 0)
        #expect(facts.ledgers == LedgerSurvey(of: path, sizes: ["ledger.sqlite": 1, "ledger.sqlite-wal": 0]))
        #expect(facts.ledgers.isThere)
        #expect(FolderFacts(lookingAt: path.appending("ledger.sqlite")).presence == .otherKind)
    }

    private func codes(
        presence: FolderFacts.Presence = .folder, owner: UInt32 = 0, permissions: UInt32 = 0o700,
        freeBytes: UInt64 = 1 << 30, freeInodes: UInt64? = 1000, isReadOnly: Bool = false,
        files: [String] = ["ledger.sqlite"]
    ) -> [String] {
        let space = FolderFacts.Space(freeBytes: freeBytes, freeInodes: freeInodes, isReadOnly: isReadOnly)
        let folder = FolderFacts(
            path: "/s", presence: presence, owner: owner, permissions: permissions, space: space)
        let sizes = Dictionary(uniqueKeysWithValues: files.map { ($0, Int64(1)) })
        return StateFolderFacts(folder: folder, ledgers: LedgerSurvey(of: "/s", sizes: sizes)).findings().map(\.code)
    }

    private func rootCodes(
        presence: FolderFacts.Presence = .folder, mounts: [MountEntry], permissions: UInt32 = 0o755,
        hasImmutableFlag: Bool? = true,
        expected: KernelMountID? = KernelMountID(rawValue: 7)
    ) -> [String] {
        MountRootFacts(
            folder: FolderFacts(path: "/m", presence: presence, permissions: permissions), mounts: mounts,
            hasImmutableFlag: hasImmutableFlag,
            expected: expected
        ).findings.map(\.code)
    }

    private func entry(_ id: UInt64, _ propagation: MountPropagation = .private) -> MountEntry {
        let id = KernelMountID(rawValue: id)
        return MountEntry(
            id: id, parentID: KernelMountID(rawValue: 1), mountinfoID: id,
            mountinfoParentID: KernelMountID(rawValue: 1),
            mountpoint: "/m", root: "/", isRootDeleted: false, filesystemType: "ext4", source: nil, attributes: [],
            propagation: propagation, isSuperblockReadOnly: false, superblockOptions: nil,
            device: DeviceNumber(major: 8, minor: 1))
    }
}

extension Finding {
    fileprivate static func sample(_ code: String, _ severity: Severity) -> Finding {
        Finding(code, severity, what: "", why: "", action: "")
    }
}
