// SPDX-License-Identifier: Apache-2.0

public import MountModel
public import SystemPackage

/// The state folder as it is found: who may enter it, what is left of its filesystem, which ledgers it holds.
public struct StateFolderFacts: Hashable, Sendable {
    /// The folder itself.
    public var folder: FolderFacts
    /// The ledgers in it.
    public var ledgers: LedgerSurvey

    /// What is left below this is an error, in bytes: a checkpoint of the log may not fit.
    public static let leastBytes: UInt64 = 1 << 20
    /// What is left below this is worth a warning, in bytes.
    public static let fewBytes: UInt64 = 16 << 20
    /// As for bytes; three files are all that the ledger needs.
    public static let fewInodes: UInt64 = 16

    /// Puts the parts together.
    public init(folder: FolderFacts, ledgers: LedgerSurvey) {
        self.folder = folder
        self.ledgers = ledgers
    }

    /// Looks at the folder. Blocks as long as its filesystem does.
    public init(lookingAt path: FilePath) {
        folder = FolderFacts(lookingAt: path)
        ledgers = LedgerSurvey(of: path, sizes: folder.sizes(ofNamesBeginningWith: LedgerSurvey.fileName))
    }

    /// What is wrong, by itself: whether a daemon runs, and how, is not known here.
    ///
    /// - Parameter user: the daemon's uid.
    public func findings(user: UInt32 = 0) -> [Finding] {
        switch folder.presence {
        case .folder: return folder.access(user, "state_folder_open", whoever: "replace the ledger") + space + asides
        case .missing:
            return [
                Finding(
                    "state_folder_missing", .notice, what: "the state folder \(folder.path) does not exist",
                    why: "holdfastd keeps its ledger there: it has not run with this folder yet, or the folder was "
                        + "removed, or its filesystem is not mounted",
                    action: "mount what belongs there, or name the right folder with --state-dir; where holdfastd has "
                        + "never run, start it: it makes the folder")
            ]
        case .otherKind:
            return [
                Finding(
                    "state_folder_unusable", .error, what: "\(folder.path) is not a folder",
                    why: "holdfastd keeps its ledger there and does not start without it",
                    action: "see what it is, move it away, and start holdfastd again")
            ]
        case .unknown(let error):
            return [
                Finding(
                    "state_folder_unknown", .notice,
                    what: "the state folder \(folder.path) cannot be looked at: \(error)",
                    why: "what is in it is not known to this check", action: "run this command as root")
            ]
        }
    }

    private var space: [Finding] {
        guard let space = folder.space else { return [] }
        if space.isReadOnly {
            return [
                Finding(
                    "state_read_only", .error, what: "the filesystem that holds \(folder.path) is mounted read-only",
                    why: "nothing can be attached or detached, because neither could be recorded",
                    action: "see in the kernel's log ('dmesg') whether its device failed; mount it read-write, and "
                        + "restart holdfastd")
            ]
        }
        let mebibytes = "\(space.freeBytes >> 20) MiB (\(space.freeBytes >> 10) KiB)"
        let isFull = space.freeBytes < Self.leastBytes || space.freeInodes == 0
        let isLow = space.freeBytes < Self.fewBytes || space.freeInodes.map { $0 < Self.fewInodes } == true
        guard isFull || isLow else { return [] }
        let inodes = space.freeInodes.map { " and \($0) inodes" } ?? ""
        return [
            Finding(
                isFull ? "state_disk_full" : "state_disk_low", isFull ? .error : .warning,
                what: "the filesystem that holds \(folder.path) has \(mebibytes)\(inodes) left",
                why:
                    "an attach or detach that cannot be recorded is refused (resource_exhausted); what is attached "
                    + "stays",
                action: "free space there; nothing has to be restarted")
        ]
    }

    private var asides: [Finding] {
        guard ledgers.isThere, !ledgers.movedAside.isEmpty else { return [] }
        let names = ledgers.movedAside.compactMap { $0.lastComponent?.string }.joined(separator: ", ")
        return [
            Finding(
                "ledger_moved_aside", .notice,
                what: "an unreadable ledger of earlier is still in \(folder.path): \(names)",
                why: "it is kept for whoever wants to know what was in it; another one is in use",
                action: "remove it, with its -wal file, when it is no longer needed")
        ]
    }
}
