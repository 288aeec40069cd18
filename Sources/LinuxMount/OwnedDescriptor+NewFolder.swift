// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

/// What a new folder is for.
enum NewFolderUse {
    /// A mountpoint, one on the way to it, a parking slot, or a folder of Holdfast's own.
    case mountpoint, parent, slot, held

    var making: KernelCall {
        switch self {
        case .mountpoint: .makeFolder
        case .parent: .makeParent
        case .slot: .makeSlot
        case .held: .makeHeldFolder
        }
    }

    /// Only what grants something is opened up.
    var opening: KernelCall { self == .parent ? .openParentUp : .openHeldFolderUp }
}

extension OwnedDescriptor {
    /// Makes a folder in this one with just these permissions, whatever the umask, unless the name is taken already.
    ///
    /// Until its permissions are set the folder bears the sticky bit, which the umask leaves alone and which says
    /// nothing about a folder that only its owner can write to: so one that a killed process left unfinished is told
    /// from one that its owner has closed, and is finished here.
    ///
    /// - Returns: whether it was made.
    func makeFolder(
        _ name: FilePath, mode: UInt32, for use: NewFolderUse, on subject: FilePath
    ) throws(SystemCallError) -> Bool {
        let number = rawValue
        let made = name.withPlatformString { name in
            use.making.made { hf_mkdirat(number, name, Self.unfinished(mode)) }
        }
        let isTaken = made == -Errno.fileExists.rawValue
        if !isTaken { try SystemCallError.check(made, "mkdirat", on: subject.string) }
        // From nothing the umask takes nothing away.
        guard mode != 0 else { return !isTaken }
        let isUnfinished = try isTaken ? isUnfinished(name, mode: mode, on: subject) : true
        if isUnfinished {
            // The folder is ours and new, so reading it cannot hang.
            let readable = try OwnedDescriptor.openFolder(name, at: rawValue, .beneathOneMount, on: subject)
            try readable.setPermissions(mode, as: use.opening, on: subject)
        }
        return !isTaken
    }

    static func unfinished(_ mode: UInt32) -> UInt32 { mode == 0 ? 0 : mode | 0o1000 }

    private func isUnfinished(
        _ name: FilePath, mode: UInt32, on subject: FilePath
    ) throws(SystemCallError) -> Bool {
        let place: OwnedDescriptor
        do throws(SystemCallError) {
            place = try OwnedDescriptor.openPlace(name, at: rawValue, .beneathOneMount, on: subject)
        } catch {
            // A mountpoint, or gone again.
            if [.improperLink, .noSuchFileOrDirectory].contains(error.errno) { return false }
            throw error
        }
        let facts = try FileFacts(of: place, on: subject)
        let isMarked = facts.permissions & 0o1000 != 0 && !facts.isWritableByOthers
        return facts.kind == .folder && facts.user == geteuid() && isMarked && facts.permissions & mode != mode
    }
}
