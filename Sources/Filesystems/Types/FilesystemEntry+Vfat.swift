// SPDX-License-Identifier: Apache-2.0

import MountModel

extension FilesystemEntry {
    /// FAT with long names (`man 8 mount`, "Mount options for vfat").
    ///
    /// The masks and the character set are given by default, or the first would depend on the daemon's umask and the
    /// second on how the kernel was configured.
    static let vfat = FilesystemEntry(
        type: FilesystemType(rawValue: "vfat"), summary: "FAT with long names.",
        source: .deviceOrImage, hasOneSuperblockPerDevice: true,
        defaultOptions: [MountOption("dmask", "22"), MountOption("fmask", "22"), MountOption("utf8")],
        options: CommonOptions.all + CommonOptions.writing + permissions + names + [
            OptionRule(
                "errors", .choice(["continue", "remount-ro"]), kernelDefault: "remount-ro",
                summary: "what an error does"),
            OptionRule("discard", summary: "the device is told about free blocks at once"),
            OptionRule("flush", summary: "data is written out as soon as the device is idle"),
            OptionRule(
                "time_offset", .integer(-1440...1440),
                summary: "minutes from UTC to the times on the disk; the host's if not given"),
            OptionRule(
                "tz", .choice(["UTC"]), .standsFor([MountOption("time_offset", "0")]),
                summary: "another name of time_offset=0"),
            OptionRule("dos1xfloppy", summary: "a disk without a BIOS parameter block"),
        ])

    private static let permissions: [OptionRule] = [
        OptionRule("uid", .identifier, kernelDefault: "0", summary: "owner of all files"),
        OptionRule("gid", .identifier, kernelDefault: "0", summary: "group of all files"),
        OptionRule("dmask", .octal(0...0o777), summary: "mode bits that folders do not have"),
        OptionRule("fmask", .octal(0...0o777), summary: "mode bits that files do not have"),
        OptionRule(
            "umask", .octal(0...0o777), .standsFor([MountOption("dmask"), MountOption("fmask")]),
            summary: "dmask and fmask at once"),
        OptionRule("allow_utime", .octal(0...0o22), summary: "who may set times: 20 the group, 2 everybody"),
        OptionRule("quiet", summary: "chmod and chown fail without an error"),
        OptionRule("showexec", summary: "only .EXE, .COM and .BAT files are executable"),
        OptionRule("rodir", summary: "the read-only attribute counts for folders too"),
    ]

    /// Closed lists: the kernel loads a module by the name it is given here.
    private static let names: [OptionRule] = [
        OptionRule("utf8", groups: ["charset"], summary: "names are UTF-8"),
        OptionRule(
            "iocharset",
            .choice([
                "ascii", "cp437", "cp850", "cp852", "cp866", "cp932", "cp936", "cp949", "cp950", "cp1250", "cp1251",
                "cp1255",
                "euc-jp", "iso8859-1", "iso8859-2", "iso8859-5", "iso8859-15", "koi8-r", "koi8-u",
            ]), groups: ["charset"], summary: "the character set of long names"),
        OptionRule(
            "codepage",
            .choice([
                "437", "737", "775", "850", "852", "855", "857", "860", "861", "862", "863", "864", "865", "866", "869",
                "874",
                "932", "936", "949", "950", "1250", "1251", "1255",
            ]), summary: "the character set of short names"),
        OptionRule(
            "shortname", .choice(["lower", "win95", "winnt", "mixed"]), kernelDefault: "mixed",
            summary: "how short names are shown"),
        OptionRule(
            "check",
            .choice(["relaxed", "normal", "strict"], synonyms: ["r": "relaxed", "n": "normal", "s": "strict"]),
            kernelDefault: "normal", summary: "how strictly names are checked"),
    ]
}
