// SPDX-License-Identifier: Apache-2.0

import MountModel

extension FilesystemEntry {
    /// A folder of a virtual machine's host, by the protocol of Plan 9 (`Documentation/filesystems/9p.rst`).
    static let ninePea = FilesystemEntry(
        type: FilesystemType(rawValue: "9p"),
        summary: "In a virtual machine: a folder that its host offers, by its tag, over 9P.",
        source: .name, isNetwork: true,
        defaultOptions: [MountOption("trans", "virtio"), MountOption("version", "9p2000.L")],
        options: CommonOptions.all + [
            OptionRule("trans", .choice(["virtio", "xen"]), summary: "the transport"),
            OptionRule("version", .choice(["9p2000.L", "9p2000.u"]), summary: "the protocol's version"),
            OptionRule("msize", .size(4096...(1 << 24)), summary: "most bytes of one message"),
            OptionRule(
                "cache", .choice(["none", "loose", "mmap", "readahead"]), kernelDefault: "none",
                summary: "what is cached"),
            OptionRule("access", .choice(["user", "any", "client"]), summary: "who may use it"),
            OptionRule("posixacl", summary: "access control lists"),
        ],
        refused: [
            RefusedOption("rfdno", "a descriptor of another process would be used"),
            RefusedOption("wfdno", "a descriptor of another process would be used"),
            RefusedOption("port", "a network is not crossed: 9P has neither protection nor login"),
            RefusedOption("uname", "the host says who one is"), RefusedOption("aname", "the tag says what is mounted"),
        ])

    /// A folder of a virtual machine's host, by FUSE over virtio (`Documentation/filesystems/virtiofs.rst`).
    static let virtiofs = FilesystemEntry(
        type: FilesystemType(rawValue: "virtiofs"),
        summary: "In a virtual machine: a folder that its host offers, by its tag.",
        // A tag is a device here (virtio_fs_test_super in fs/fuse/virtio_fs.c).
        source: .name, isNetwork: true, hasOneSuperblockPerDevice: true,
        options: CommonOptions.all + [
            OptionRule("dax", .choice(["always", "never", "inode"]), summary: "files are the host's memory itself")
        ])
}
