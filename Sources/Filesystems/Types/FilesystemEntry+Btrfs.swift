// SPDX-License-Identifier: Apache-2.0

import MountModel

extension FilesystemEntry {
    /// Btrfs (`man 5 btrfs`), on one device.
    ///
    /// The kernel would mount several subvolumes of one device at once, all with the first one's options in silence.
    /// One mount a device is therefore the rule here too; parts of it are for views.
    static let btrfs = FilesystemEntry(
        type: FilesystemType(rawValue: "btrfs"), summary: "Btrfs, on one device.",
        source: .deviceOrImage, hasOneSuperblockPerDevice: true,
        options: CommonOptions.all + CommonOptions.writing + subvolumes + btrfsData + btrfsDevice,
        refused: [
            RefusedOption("device", "it names a second device"),
            RefusedOption("nobarrier", "a power cut would corrupt the filesystem"),
            RefusedOption("fatal_errors", "an error of the filesystem must not stop the host"),
            RefusedOption("user_subvol_rm_allowed", "any user could then delete subvolumes"),
            RefusedOption("check_int", isPrefix: true, "it is for tests of the kernel"),
            RefusedOption("enospc_debug", "it is for tests of the kernel"),
            RefusedOption("fragment", "it is for tests of the kernel"),
        ])

    private static let subvolumes: [OptionRule] = [
        OptionRule(
            "subvol", .innerPath, groups: ["subvolume"], summary: "the subvolume's path, from the top of the filesystem"
        ),
        OptionRule(
            "subvolid", .integer(5...Int64.max), groups: ["subvolume"],
            summary: "the subvolume's number; 5 is the top"),
    ]

    private static let compressions = OptionValue.choice(
        ["zlib", "lzo", "zstd"] + (1...9).filter { $0 != 3 }.map { "zlib:\($0)" }
            + (1...15).filter { $0 != 3 }.map { "zstd:\($0)" },
        synonyms: ["zlib:3": "zlib", "zstd:3": "zstd"])

    private static let btrfsData: [OptionRule] = [
        OptionRule(
            "compress", compressions, groups: ["compression", "cow", "checksum"], bareValue: "zlib",
            summary: "compression of what is written"),
        OptionRule(
            "compress-force", compressions, groups: ["compression", "cow", "checksum"], bareValue: "zlib",
            summary: "compression even of what does not shrink"),
        OptionRule("datacow", .flag, .nothing, groups: ["datacow"], summary: "copy on write for data; the default"),
        OptionRule("nodatacow", groups: ["cow", "datacow"], summary: "data is overwritten in place"),
        OptionRule("datasum", .flag, .nothing, groups: ["datasum"], summary: "checksums for data; the default"),
        OptionRule("nodatasum", groups: ["checksum", "datasum"], summary: "no checksums for data"),
        OptionRule("autodefrag", groups: ["autodefrag"], summary: "small random writes are defragmented"),
        OptionRule("noautodefrag", .flag, .nothing, groups: ["autodefrag"], summary: "not autodefrag; the default"),
        OptionRule(
            "max_inline", .size(0...65536), kernelDefault: "2048", summary: "most bytes of a file kept in metadata"),
        OptionRule("acl", .flag, .nothing, groups: ["acl"], summary: "access control lists; the default"),
        OptionRule("noacl", groups: ["acl"], summary: "no access control lists"),
        OptionRule("barrier", .flag, .nothing, summary: "flushes around commits; always on"),
        OptionRule("flushoncommit", groups: ["flushoncommit"], summary: "a commit writes all data out"),
        OptionRule(
            "noflushoncommit", .flag, .nothing, groups: ["flushoncommit"], summary: "not flushoncommit; the default"),
        OptionRule("treelog", .flag, .nothing, groups: ["treelog"], summary: "a log for fsync; the default"),
        OptionRule("notreelog", groups: ["treelog"], summary: "fsync writes a whole transaction"),
    ]

    private static let btrfsDevice: [OptionRule] = [
        OptionRule("commit", .integer(1...300), kernelDefault: "30", summary: "seconds between two commits"),
        OptionRule(
            "discard", .choice(["sync", "async"]), groups: ["discard"], bareValue: "sync",
            summary: "how the device is told about free blocks"),
        OptionRule("nodiscard", groups: ["discard"], summary: "the device is not told about free blocks"),
        OptionRule("ssd", groups: ["ssd"], summary: "laid out for flash memory; otherwise found out"),
        OptionRule("nossd", groups: ["ssd"], summary: "laid out for rotating disks"),
        OptionRule("ssd_spread", groups: ["ssd"], summary: "as ssd, in larger pieces"),
        OptionRule("space_cache", .choice(["v2"]), summary: "how free space is remembered"),
        OptionRule("clear_cache", summary: "the free space is counted anew"),
        OptionRule("skip_balance", summary: "an interrupted balance does not go on"),
        OptionRule("degraded", summary: "mounted although devices are missing"),
        OptionRule("thread_pool", .integer(1...256), summary: "worker threads"),
        OptionRule(
            "rescue",
            .choice(
                ["nologreplay", "usebackuproot", "ignorebadroots", "ignoredatacsums", "all"],
                synonyms: ["ibadroots": "ignorebadroots", "idatacsums": "ignoredatacsums"]),
            requires: ["ro"], summary: "what is forgiven of a damaged filesystem"),
        OptionRule(
            "norecovery", .flag, .standsFor([MountOption("rescue", "nologreplay")]),
            summary: "another name of rescue=nologreplay"),
    ]
}
