// SPDX-License-Identifier: Apache-2.0

import MountModel

extension FilesystemEntry {
    /// CephFS by the kernel (`man 8 mount.ceph`).
    static let ceph = FilesystemEntry(
        type: FilesystemType(rawValue: "ceph"),
        summary: """
            A folder of CephFS. Where `mount.ceph` is not installed, the kernel mounts it by itself, and the monitors \
            are named by their addresses.
            """,
        source: .monitors,
        construction: .helper(
            HelperGrammar(
                program: "mount.ceph", kernelType: "ceph", words: ["-n"], style: .mountHelper, kernel: .ceph)),
        isNetwork: true,
        options: CommonOptions.all + [
            OptionRule(
                "name", .name(maximumLength: 64), kernelDefault: "guest", summary: "the user, without 'client.'"),
            OptionRule("secretfile", .file(isSecret: true), requires: ["name"], summary: "the user's key"),
            OptionRule("fs", .name(maximumLength: 64), summary: "the filesystem, where there are several"),
            OptionRule(
                "mds_namespace", .name(maximumLength: 64), .standsFor([MountOption("fs")]),
                summary: "another name of fs"),
            OptionRule(
                "ms_mode", .choice(["legacy", "crc", "secure", "prefer-crc", "prefer-secure"]), kernelDefault: "legacy",
                summary: "how messages are protected (kernel 5.11)"),
            OptionRule(
                "recover_session", .choice(["no", "clean"]), kernelDefault: "no",
                summary: "what becomes of a session that the cluster has ended"),
            OptionRule(
                "mount_timeout", .integer(1...3600), kernelDefault: "60", summary: "seconds that mounting may take"),
            OptionRule("rsize", .size(4096...(1 << 30)), summary: "most bytes of one read"),
            OptionRule("wsize", .size(4096...(1 << 30)), summary: "most bytes of one write"),
            OptionRule("rasize", .size(0...(1 << 30)), summary: "bytes read ahead"),
            OptionRule("acl", groups: ["acl"], summary: "access control lists"),
            OptionRule("noacl", groups: ["acl"], summary: "no access control lists"),
            OptionRule("rbytes", groups: ["rbytes"], summary: "a folder's size is what is in it"),
            OptionRule("norbytes", groups: ["rbytes"], summary: "a folder's size is the count of its files"),
            OptionRule("wsync", groups: ["wsync"], summary: "changes of folders are waited for"),
            OptionRule("nowsync", groups: ["wsync"], summary: "changes of folders are not waited for"),
        ],
        refused: [
            RefusedOption("secret", "a credential is never among the options; give the file 'secretfile'"),
            RefusedOption("mon_addr", "the source has the monitors"),
            RefusedOption("conf", "the source has the monitors"),
            RefusedOption("ip", "the kernel finds it out"), RefusedOption("crush_location", "it is the host's"),
            RefusedOption("noshare", "two caches of one file would differ"),
        ])

    /// CephFS by its own client (`man 8 ceph-fuse`).
    static let cephFuse = FilesystemEntry(
        type: FilesystemType(rawValue: "ceph-fuse"),
        summary: "A folder of CephFS, by Ceph's own client program.",
        source: .monitors,
        construction: .helper(
            HelperGrammar(
                program: "ceph-fuse", kernelType: "fuse.ceph-fuse", words: ["--fuse_allow_other=1"],
                style: .longOptions, sourceForm: .cephFuse, readOnlyOption: nil)),
        isNetwork: true,
        options: CommonOptions.all + [
            OptionRule("id", .name(maximumLength: 64), kernelDefault: "admin", summary: "the user, without 'client.'"),
            OptionRule("keyring", .file(isSecret: true), summary: "a keyring with the user's key"),
            OptionRule("client_fs", .name(maximumLength: 64), summary: "the filesystem, where there are several"),
        ],
        refused: [
            RefusedOption("conf", "the source has the monitors"),
            RefusedOption("key", "a credential is never among the options; give the file 'keyring'"),
            RefusedOption("keyfile", "give the file 'keyring'"),
        ])
}
