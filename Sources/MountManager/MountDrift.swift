// SPDX-License-Identifier: Apache-2.0

package import Filesystems
public import LinuxMount
internal import MountModel
internal import MountWorker

/// In what a mount differs from how it was made: its own attributes, and whether its filesystem can be written.
public struct MountDrift: Hashable, Sendable, CustomStringConvertible {
    /// The attributes that it was given, and has no longer.
    public let missing: MountAttributes
    /// The attributes that it has, and was not given.
    public let added: MountAttributes
    /// Why its filesystem cannot be written although that was asked for; nil where it can, or need not.
    public let fault: FilesystemFault?

    /// Why a filesystem cannot be written.
    public enum FilesystemFault: Hashable, Sendable {
        /// It is read-only.
        ///
        /// - Parameter isHealed: whether it may be made writable again. vfat's kernel driver makes itself read-only
        ///   after an error and would let itself be made writable all the same: there nothing tells the two apart.
        case readOnly(isHealed: Bool)
        /// The kernel has stopped it after an error, and says so by this option.
        case stopped(String)
    }

    /// Compares a mount with its recipe; nil where there is no difference.
    package init?(of entry: MountEntry, from recipe: MountRecipe) {
        let isBind = if case .folder = recipe.medium { true } else { false }
        self.init(
            wanted: MountAttributes(recipe.attributes), found: entry.attributes, inherits: isBind,
            fault: isBind || recipe.attributes.contains(.readOnly) ? nil : Self.fault(of: entry, recipe.filesystem))
    }

    /// Puts the differences together; nil where there is none.
    ///
    /// - Parameter inherits: whether it may have more than it was given: a bind has what the bound mount had.
    package init?(wanted: MountAttributes, found: MountAttributes, inherits: Bool, fault: FilesystemFault? = nil) {
        missing = wanted.subtracting(found)
        added = inherits ? [] : found.subtracting(wanted)
        self.fault = fault
        if missing.isEmpty && added.isEmpty && fault == nil { return nil }
    }

    private static func fault(of entry: MountEntry, _ type: FilesystemType) -> FilesystemFault? {
        // ext4 since 6.14: the superblock's flag stays as it was.
        for mark in ["emergency_ro", "shutdown"] where entry.superblockOptions?.contains(KernelText(mark)) == true {
            return .stopped(mark)
        }
        return entry.isSuperblockReadOnly ? .readOnly(isHealed: type.rawValue != "vfat") : nil
    }

    /// Whether there is something in it that may be put right.
    var isHealable: Bool { !missing.isEmpty || !added.isEmpty || fault == .readOnly(isHealed: true) }

    /// As it is said of a mount: `without nosuid,nodev, with ro`.
    public var description: String {
        var texts: [String] = []
        if !missing.isEmpty { texts.append("without \(missing)") }
        if !added.isEmpty { texts.append("with \(added)") }
        switch fault {
        case nil: break
        case .readOnly: texts.append("read-only as a filesystem, where read-write was asked for")
        case .stopped(let option):
            texts.append("stopped by the kernel after an error (\(option)), where read-write was asked for")
        }
        return texts.joined(separator: ", ")
    }

    /// What to do where it is not put right by itself.
    func advice(at mountpoint: Mountpoint) -> String {
        switch fault {
        case .readOnly:
            """
            if somebody remounted it: 'mount -o remount,rw \(mountpoint)' gives it back; if the kernel did after an \
            error (its log says so): detach everybody, run fsck, and attach again
            """
        case .stopped: "the kernel's log has the error: detach everybody, run fsck, and attach again"
        case nil: "find out who remounts it; 'mount -o remount,bind,…' gives it back what it had"
        }
    }
}
