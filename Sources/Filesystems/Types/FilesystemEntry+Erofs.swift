// SPDX-License-Identifier: Apache-2.0

import MountModel

extension FilesystemEntry {
    /// EROFS (kernel: Documentation/filesystems/erofs.rst).
    static let erofs = FilesystemEntry(
        type: FilesystemType(rawValue: "erofs"), summary: "EROFS, read-only.",
        source: .deviceOrImage, hasOneSuperblockPerDevice: true, access: .readOnly,
        options: CommonOptions.all + [
            OptionRule("acl", .flag, .nothing, groups: ["acl"], summary: "access control lists; the default"),
            OptionRule("noacl", groups: ["acl"], summary: "no access control lists"),
            OptionRule(
                "user_xattr", .flag, .nothing, groups: ["user_xattr"],
                summary: "extended attributes of users; the default"),
            OptionRule("nouser_xattr", groups: ["user_xattr"], summary: "no extended attributes of users"),
            OptionRule(
                "cache_strategy", .choice(["disabled", "readahead", "readaround"]), kernelDefault: "readaround",
                summary: "what is kept of compressed data"),
            OptionRule("directio", summary: "an image file is read past the page cache (kernel 6.15)"),
        ],
        refused: [
            RefusedOption("device", "it names a second device"),
            RefusedOption("fsid", "it names an image outside of the source"),
            RefusedOption("domain_id", "it names an image outside of the source"),
            RefusedOption("dax", "it belongs to persistent memory, which is not built in"),
        ])
}
