// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// What `fstat` says about an open file, as far as this module asks (`man 2 fstat`).
struct InodeFacts: Hashable {
    /// What an inode is (the type bits of its mode).
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
    let group: UInt32
    /// The device that a device node stands for.
    let deviceMajor: UInt32
    let deviceMinor: UInt32
    /// Bytes, of a regular file.
    let size: UInt64

    /// Asks about an open file, of an `O_PATH` descriptor too.
    init(of descriptor: CInt, named subject: String) throws(SystemCallError) {
        var facts = hf_file_facts()
        try SystemCallError.check(hf_file_facts(descriptor, &facts), "fstat", on: subject)
        self.init(facts)
    }

    /// Asks about a name in an open folder, without following a link or triggering an automount.
    init(of name: String, in folder: CInt, named subject: String) throws(SystemCallError) {
        var facts = hf_file_facts()
        try SystemCallError.check(hf_file_facts_at(folder, name, &facts), "fstatat", on: subject)
        self.init(facts)
    }

    private init(_ facts: hf_file_facts) {
        identity = Identity(device: facts.device, inode: facts.inode)
        kind =
            switch facts.mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .folder
            case S_IFBLK: .blockDevice
            case S_IFLNK: .symbolicLink
            default: .other
            }
        permissions = facts.mode & 0o7777
        user = facts.user
        group = facts.group
        deviceMajor = facts.device_major
        deviceMinor = facts.device_minor
        size = facts.size
    }
}
