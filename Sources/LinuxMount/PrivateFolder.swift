// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
public import SystemPackage

/// A folder for state that nobody but its owner may read: created so, or checked to be so.
public enum PrivateFolder {
    /// Makes sure that the folder is there, belongs to the effective user and grants no more than `mode`.
    ///
    /// Only the last component is created. Every folder above it must belong to root or the effective user and be
    /// writable to nobody else, unless it is sticky: whoever can rename an ancestor can put another folder in its
    /// place. An existing folder that grants more is refused, not tightened: what it holds may have been read or
    /// planted already, and that is for the administrator to judge. Blocks as long as the filesystem does.
    ///
    /// - Returns: the folder, open for reading, to work beneath.
    /// - Throws: `EINVAL` for a path that is not absolute or has `..` in it, `ELOOP` for a symbolic link in it,
    ///   `ENOTDIR`, `ENOENT` for a missing parent, `EPERM` with what to do for an owner or mode that is not private.
    @discardableResult
    public static func ensure(at path: FilePath, mode: UInt32 = 0o700) throws(SystemCallError) -> OwnedDescriptor {
        let names = path.components.map(\.string)
        guard path.isAbsolute, !names.isEmpty, path.components.allSatisfy({ $0.kind == .regular }) else {
            throw SystemCallError("mkdir", .invalidArgument, on: "\(path) (not an absolute path without . and ..)")
        }
        var parent = FilePath("/")
        var folder = try SymlinkFreePath.open(parent, flags: O_RDONLY | O_DIRECTORY)
        for (index, name) in names.enumerated() {
            try refuseUnsafeAncestor(folder, at: parent)
            parent.append(name)
            if index == names.count - 1 { try create(name, in: folder, at: parent, mode: mode) }
            // One step at a time: the folder that was checked is the one that is gone on from.
            let result = hf_open_without_symlinks(folder.rawValue, name, O_RDONLY | O_DIRECTORY, 0)
            if result == -ELOOP {
                throw SystemCallError("openat2", .tooManySymbolicLinkLevels, on: "\(parent) (is a symbolic link)")
            }
            folder = OwnedDescriptor(owning: try SystemCallError.check(result, "openat2", on: parent.string))
        }
        try refuseOpenFolder(folder, at: path, mode: mode)
        return folder
    }

    private static func create(
        _ name: String, in folder: borrowing OwnedDescriptor, at path: FilePath, mode: UInt32
    ) throws(SystemCallError) {
        let result = hf_make_folder(folder.rawValue, name, 0o700)
        if result == -EEXIST { return }
        try SystemCallError.check(result, "mkdirat", on: path.string)
        // The process' file creation mask may have taken bits away, or the caller wants more than 0700.
        let opened = hf_open_without_symlinks(folder.rawValue, name, O_RDONLY | O_DIRECTORY, 0)
        let made = OwnedDescriptor(owning: try SystemCallError.check(opened, "openat2", on: path.string))
        try SystemCallError.check(hf_set_mode(made.rawValue, mode), "fchmod", on: path.string)
    }

    private static func refuseUnsafeAncestor(
        _ folder: borrowing OwnedDescriptor, at path: FilePath
    ) throws(SystemCallError) {
        let facts = try InodeFacts(of: folder.rawValue, named: path.string)
        guard facts.user == 0 || facts.user == geteuid() else {
            throw SystemCallError(
                "mkdir", .notPermitted,
                on: "\(path) (owned by uid \(facts.user), who could replace what is beneath: chown root \(path))")
        }
        guard facts.permissions & 0o022 == 0 || facts.permissions & 0o1000 != 0 else {
            throw SystemCallError(
                "mkdir", .notPermitted,
                on: "\(path) (mode \(octal(facts.permissions)), others could replace what is beneath: "
                    + "chmod go-w \(path))")
        }
    }

    private static func refuseOpenFolder(
        _ folder: borrowing OwnedDescriptor, at path: FilePath, mode: UInt32
    ) throws(SystemCallError) {
        let facts = try InodeFacts(of: folder.rawValue, named: path.string)
        guard facts.user == geteuid() else {
            throw SystemCallError(
                "mkdir", .notPermitted,
                on: "\(path) (owned by uid \(facts.user), not by uid \(geteuid()): look at what is in it, "
                    + "then chown \(geteuid()) \(path))")
        }
        guard facts.permissions & 0o777 & ~mode == 0 else {
            throw SystemCallError(
                "mkdir", .notPermitted,
                on: "\(path) (mode \(octal(facts.permissions)) lets others in: look at what is in it, "
                    + "then chmod \(octal(mode)) \(path))")
        }
    }

    private static func octal(_ permissions: UInt32) -> String {
        let digits = String(permissions, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
