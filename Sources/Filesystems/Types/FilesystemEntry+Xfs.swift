// SPDX-License-Identifier: Apache-2.0

import MountModel

extension FilesystemEntry {
    /// XFS (`man 5 xfs`).
    static let xfs = FilesystemEntry(
        type: FilesystemType(rawValue: "xfs"), summary: "XFS.",
        source: .deviceOrImage, hasOneSuperblockPerDevice: true,
        options: CommonOptions.all + CommonOptions.writing + allocation + xfsQuotas,
        refused: [
            RefusedOption("logdev", "it names a second device"),
            RefusedOption("rtdev", "it names a second device"),
            RefusedOption("sunit", "it changes the geometry that the filesystem records"),
            RefusedOption("swidth", "it changes the geometry that the filesystem records"),
            RefusedOption("attr2", "it is always on, and leaves the kernel"),
            RefusedOption("ikeep", "it leaves the kernel"),
            RefusedOption("noikeep", "it is the default, and leaves the kernel"),
        ])

    private static let allocation: [OptionRule] = [
        OptionRule(
            "allocsize", .size(4096...(1 << 30), powerOfTwo: true),
            summary: "bytes allocated beyond the end of a growing file"),
        OptionRule("logbufs", .integer(2...8), kernelDefault: "8", summary: "log buffers in memory"),
        OptionRule("logbsize", .size(16384...262_144, powerOfTwo: true), summary: "bytes of a log buffer"),
        OptionRule("discard", groups: ["discard"], summary: "the device is told about free blocks at once"),
        OptionRule("nodiscard", .flag, .nothing, groups: ["discard"], summary: "not discard; the default"),
        OptionRule("inode32", groups: ["inode"], summary: "inode numbers of 32 bits"),
        OptionRule("inode64", .flag, .nothing, groups: ["inode"], summary: "inode numbers of 64 bits; the default"),
        OptionRule("largeio", groups: ["largeio"], summary: "stat shows the stripe width as the best size of I/O"),
        OptionRule("nolargeio", .flag, .nothing, groups: ["largeio"], summary: "not largeio; the default"),
        OptionRule("grpid", groups: ["grpid"], summary: "new files take the group of their folder"),
        OptionRule("nogrpid", .flag, .nothing, groups: ["grpid"], summary: "not grpid; the default"),
        CommonOptions.alias("bsdgroups", of: "grpid"),
        CommonOptions.alias("sysvgroups", of: "nogrpid"),
        OptionRule("filestreams", summary: "files of one folder lie together"),
        OptionRule("swalloc", summary: "allocations are rounded up to the stripe width"),
        OptionRule("noalign", summary: "allocations are not aligned to stripes"),
        OptionRule("wsync", summary: "changes of names are written at once"),
        OptionRule("nouuid", summary: "another filesystem of the same UUID may be mounted: for clones and snapshots"),
        OptionRule("norecovery", requires: ["ro"], summary: "the log is not replayed"),
    ]

    private static let xfsQuotas: [OptionRule] = [
        OptionRule("uquota", groups: ["quota"], summary: "quotas of users, enforced"),
        OptionRule("uqnoenforce", groups: ["quota"], summary: "quotas of users, only counted"),
        OptionRule("gquota", groups: ["quota of groups"], summary: "quotas of groups, enforced"),
        OptionRule("gqnoenforce", groups: ["quota of groups"], summary: "quotas of groups, only counted"),
        OptionRule("pquota", groups: ["quota of projects"], summary: "quotas of projects, enforced"),
        OptionRule("pqnoenforce", groups: ["quota of projects"], summary: "quotas of projects, only counted"),
        OptionRule("noquota", groups: ["quota", "quota of groups", "quota of projects"], summary: "no quotas"),
        CommonOptions.alias("quota", of: "uquota"),
        CommonOptions.alias("usrquota", of: "uquota"),
        CommonOptions.alias("grpquota", of: "gquota"),
        CommonOptions.alias("prjquota", of: "pquota"),
    ]
}
