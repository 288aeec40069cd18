// SPDX-License-Identifier: Apache-2.0

import MountModel

extension FilesystemEntry {
    /// ext4, and ext2 and ext3 by the same driver (`man 5 ext4`).
    ///
    /// `errors=remount-ro` is given by default: the filesystem itself can say `panic`, and an image from anybody must
    /// not stop the host.
    static let ext4 = FilesystemEntry(
        type: FilesystemType(rawValue: "ext4"),
        summary: "ext4, and ext2 and ext3 by the same driver.",
        source: .deviceOrImage, hasOneSuperblockPerDevice: true,
        defaultOptions: [MountOption("errors", "remount-ro")],
        options: CommonOptions.all + CommonOptions.writing + integrity + space + journal + quotas,
        refused: [
            RefusedOption("journal_path", "it names a second device"),
            RefusedOption("journal_dev", "it names a second device"),
            RefusedOption("usrjquota", "it names a file on the filesystem; use 'usrquota'"),
            RefusedOption("grpjquota", "it names a file on the filesystem; use 'grpquota'"),
            RefusedOption("jqfmt", "it belongs to 'usrjquota', which is refused"),
            RefusedOption("nobarrier", "a power cut would corrupt the filesystem"),
            RefusedOption("resuid", "it gives away the reserved blocks"),
            RefusedOption("resgid", "it gives away the reserved blocks"),
            RefusedOption("sb", "a backup superblock is a matter for fsck"),
            RefusedOption("abort", "it is for tests of the kernel"),
            RefusedOption("debug", "it is for tests of the kernel"),
            RefusedOption("noblock_validity", "a damaged filesystem would be believed"),
        ])

    private static let integrity: [OptionRule] = [
        // No panic: no caller is to have the power over the host.
        OptionRule("errors", .choice(["continue", "remount-ro"]), summary: "what an error of the filesystem does"),
        OptionRule("barrier", summary: "flushes around the journal's commits, whatever the filesystem says"),
        OptionRule("acl", .flag, .nothing, summary: "access control lists; always on"),
        OptionRule("user_xattr", .flag, .nothing, summary: "extended attributes of users; always on"),
        OptionRule("noload", requires: ["ro"], summary: "the journal is not replayed"),
        OptionRule("norecovery", .flag, .standsFor([MountOption("noload")]), summary: "another name of noload"),
    ]

    private static let space: [OptionRule] =
        CommonOptions.pair("delalloc", "blocks are chosen when data is written out")
        + CommonOptions.pair("discard", "the device is told about free blocks at once")
        + CommonOptions.pair("auto_da_alloc", "files replaced by renaming are written out at once")
        + CommonOptions.pair("grpid", "new files take the group of their folder") + [
            CommonOptions.alias("bsdgroups", of: "grpid"),
            CommonOptions.alias("sysvgroups", of: "nogrpid"),
            OptionRule(
                "init_itable", .integer(0...1000), groups: ["init_itable"], bareValue: "10", kernelDefault: "10",
                summary: "how long the inode tables' initialisation waits between two steps"),
            OptionRule("noinit_itable", groups: ["init_itable"], summary: "the inode tables are not initialised"),
            OptionRule(
                "inode_readahead_blks", .size(1...(1 << 30), powerOfTwo: true), kernelDefault: "32",
                summary: "blocks of the inode table read ahead"),
            OptionRule("stripe", .integer(0...2_147_483_647), summary: "blocks that an allocation is aligned to"),
            OptionRule("max_dir_size_kb", .integer(1...2_147_483_647), summary: "most KiB of one folder"),
            OptionRule("bsddf", groups: ["df"], summary: "df leaves the filesystem's own blocks out"),
            OptionRule("minixdf", groups: ["df"], summary: "df counts the filesystem's own blocks"),
            OptionRule("dioread_lock", groups: ["dioread"], summary: "direct reads take the inode's lock"),
            OptionRule("dioread_nolock", groups: ["dioread"], summary: "direct reads take no lock"),
        ]

    private static let journal: [OptionRule] =
        CommonOptions.pair("journal_checksum", "the journal is checksummed") + [
            // No writeback: after a crash a file could show what others had deleted.
            OptionRule("data", .choice(["ordered", "journal"]), summary: "what of the data goes through the journal"),
            OptionRule("commit", .integer(1...300), kernelDefault: "5", summary: "seconds between two commits"),
            OptionRule(
                "journal_ioprio", .integer(0...7), kernelDefault: "3",
                summary: "I/O priority of commits, 0 is the highest"),
            OptionRule(
                "max_batch_time", .integer(0...1_000_000), kernelDefault: "15000",
                summary: "most µs that a sync waits for others"),
            OptionRule(
                "min_batch_time", .integer(0...1_000_000), kernelDefault: "0",
                summary: "least µs that a sync waits for others"),
        ]

    private static let quotas: [OptionRule] = [
        OptionRule("usrquota", groups: ["quota"], summary: "quotas of users"),
        OptionRule("grpquota", groups: ["quota of groups"], summary: "quotas of groups"),
        OptionRule("prjquota", groups: ["quota of projects"], summary: "quotas of projects"),
        OptionRule("noquota", groups: ["quota", "quota of groups", "quota of projects"], summary: "no quotas"),
        CommonOptions.alias("quota", of: "usrquota"),
    ]
}
