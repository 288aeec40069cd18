// SPDX-License-Identifier: Apache-2.0

import MountModel

extension FilesystemEntry {
    /// GlusterFS (`man 8 glusterfs`).
    static let glusterfs = FilesystemEntry(
        type: FilesystemType(rawValue: "glusterfs"),
        summary: "A volume of a GlusterFS cluster, or a folder of one; any of its servers can be named.",
        source: .volume,
        construction: .helper(
            HelperGrammar(
                program: "glusterfs", kernelType: "fuse.glusterfs",
                words: ["--log-file=/var/log/glusterfs/holdfast.log", "--log-level=WARNING"], style: .longOptions,
                sourceForm: .gluster, readOnlyOption: "read-only")),
        isNetwork: true,
        options: CommonOptions.all + [
            OptionRule(
                "volfile-server-port", .integer(1...65535), kernelDefault: "24007", summary: "the servers' port"),
            OptionRule("acl", summary: "access control lists"),
            OptionRule(
                "direct-io-mode", .choice(["enable", "disable"]),
                summary: "nothing is cached in the page cache, or always"),
            OptionRule(
                "attribute-timeout", .integer(0...3600), kernelDefault: "1",
                summary: "seconds that attributes are cached"),
            OptionRule(
                "entry-timeout", .integer(0...3600), kernelDefault: "1", summary: "seconds that names are cached"),
            OptionRule(
                "negative-timeout", .integer(0...3600), kernelDefault: "0",
                summary: "seconds that it is cached that a name is not there"),
        ],
        refused: [
            RefusedOption("log", isPrefix: true, "the log is /var/log/glusterfs/holdfast.log"),
            RefusedOption("volfile", "it names what the program does"),
            RefusedOption("xlator-option", "it changes what the program does"),
        ])
}
