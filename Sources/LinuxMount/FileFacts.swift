// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

/// What `statx` says about a file, as far as this module asks: from what the kernel has cached, so that no question
/// blocks (`man 2 statx`, `AT_STATX_DONT_SYNC`). What is asked about has just been looked up, and is as fresh as that.
struct FileFacts: Hashable {
    /// What a file is (the type bits of its mode).
    enum Kind: Hashable {
        case regular, folder, blockDevice, symbolicLink, other
    }

    /// Two descriptors with the same identity are the same file, whatever path led there.
    struct Identity: Hashable {
        /// The filesystem's device number, as the kernel encodes it.
        let device: UInt64
        let inode: UInt64
    }

    let identity: Identity
    let kind: Kind
    /// The twelve permission bits.
    let permissions: UInt32
    let user: UInt32
    /// The device that a device node stands for.
    let deviceMajor: UInt32
    let deviceMinor: UInt32

    /// Asks about an open file, of an `O_PATH` descriptor too.
    init(of file: borrowing OwnedDescriptor, on subject: FilePath) throws(SystemCallError) {
        try self.init(of: "", at: file.rawValue, UInt32(HF_AT_EMPTY_PATH), on: subject)
    }

    /// Asks about a name in an open folder, without following a link or triggering an automount.
    init(
        of name: FilePath, in folder: borrowing OwnedDescriptor, on subject: FilePath
    ) throws(SystemCallError) {
        try self.init(of: name, at: folder.rawValue, 0, on: subject)
    }

    /// Asks about an absolute path, without following its last link or triggering an automount there.
    init(ofAbsolute path: FilePath) throws(SystemCallError) {
        try self.init(of: path, at: -1, 0, on: path)
    }

    private init(
        of path: FilePath, at folder: CInt, _ extraFlags: UInt32, on subject: FilePath
    ) throws(SystemCallError) {
        var status = hf_statx()
        let flags = UInt32(HF_AT_SYMLINK_NOFOLLOW | HF_AT_NO_AUTOMOUNT | HF_AT_STATX_DONT_SYNC) | extraFlags
        let answer = path.withPlatformString {
            hf_statx(folder, $0, flags, UInt32(HF_STATX_TYPE_MODE_OWNER_INODE), &status)
        }
        try SystemCallError.check(answer, "statx", on: subject.string)
        identity = Identity(device: status.device, inode: status.inode)
        kind =
            switch status.mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .folder
            case S_IFBLK: .blockDevice
            case S_IFLNK: .symbolicLink
            default: .other
            }
        permissions = status.mode & 0o7777
        user = status.uid
        deviceMajor = status.rdev_major
        deviceMinor = status.rdev_minor
    }
}

extension FileFacts {
    /// Whether the path leads to this file now.
    func isStill(at path: FilePath) throws(SystemCallError) -> Bool {
        do throws(SystemCallError) {
            return try FileFacts(ofAbsolute: path).identity == identity
        } catch {
            if error.errno == .noSuchFileOrDirectory { return false }
            throw error
        }
    }

    /// Whether others than the owner may write: the group, or everybody.
    var isWritableByOthers: Bool { permissions & 0o022 != 0 }

    func requireFolder(_ call: String, on subject: FilePath) throws(SystemCallError) {
        if kind == .symbolicLink { throw SystemCallError(call, .tooManySymbolicLinkLevels, on: subject.string) }
        guard kind == .folder else { throw SystemCallError(call, .notDirectory, on: subject.string) }
    }

    /// Refuses a folder whose entries somebody other than root and the effective user could rename or remove.
    func requireTrusted(stickyIsEnough: Bool, on subject: FilePath) throws(SystemCallError) {
        guard user == 0 || user == geteuid() else {
            throw refusal(
                subject, "owned by uid \(user), who could replace what is beneath: chown root \(subject)")
        }
        guard !isWritableByOthers || (stickyIsEnough && permissions & 0o1000 != 0) else {
            throw refusal(
                subject, "mode \(octal(permissions)), others could replace what is beneath: chmod go-w \(subject)")
        }
    }

    /// Refuses a file that is another user's, or that lets others do more than `mode` does.
    ///
    /// - Parameter advice: the mode that it is told to have, where that is another one.
    func requireOwn(
        noMoreThan mode: UInt32, advice: UInt32? = nil, on subject: FilePath
    ) throws(SystemCallError) {
        guard user == geteuid() else {
            throw refusal(
                subject,
                "owned by uid \(user), not by uid \(geteuid()): look at what is in it, then chown \(geteuid()) "
                    + "\(subject)"
            )
        }
        guard permissions & 0o777 & ~mode == 0 else {
            throw refusal(
                subject,
                "mode \(octal(permissions)) lets others in: look at what is in it, then "
                    + "chmod \(octal(advice ?? mode)) \(subject)"
            )
        }
    }

    private func refusal(_ subject: FilePath, _ reason: String) -> SystemCallError {
        SystemCallError("statx", .notPermitted, on: "\(subject) (\(reason))")
    }

    private func octal(_ permissions: UInt32) -> String {
        let digits = String(permissions, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
