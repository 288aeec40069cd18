// SPDX-License-Identifier: Apache-2.0

import MountModel

extension FilesystemEntry {
    /// Cloud storage of many kinds (`man 1 rclone`, "rclone mount").
    ///
    /// The mask is given by default, or it would be the daemon's own, with which root alone could read.
    static let rclone = FilesystemEntry(
        type: FilesystemType(rawValue: "rclone"),
        summary: """
            What rclone reaches: object stores, WebDAV and other services. The remote, its address and its credentials \
            are in a configuration file of rclone.
            """,
        source: .remote,
        construction: .helper(
            HelperGrammar(
                program: "rclone", kernelType: "fuse.rclone",
                words: [
                    "mount", "--daemon", "--allow-other", "--default-permissions", "--log-level=NOTICE",
                    // Without the time: the same failure has the same words, and is logged once.
                    "--log-format=",
                ],
                style: .longOptions, readOnlyOption: "read-only", cacheOption: "cache-dir")),
        isNetwork: true,
        defaultOptions: [MountOption("umask", "22")],
        options: CommonOptions.all + [
            OptionRule(
                "config", .file(isSecret: true), isRequired: true, isConfiguration: true,
                summary: "rclone's configuration, with the remote"),
            OptionRule(
                "vfs-cache-mode", .choice(["off", "minimal", "writes", "full"]), kernelDefault: "off",
                summary: "what is cached on disk; without it files can be written from their start to their end only"),
            OptionRule("uid", .identifier, kernelDefault: "0", summary: "the owner of all files"),
            OptionRule("gid", .identifier, kernelDefault: "0", summary: "the group of all files"),
            OptionRule("umask", .octal(0...0o777), summary: "permissions that are taken away from all files"),
        ])
}
