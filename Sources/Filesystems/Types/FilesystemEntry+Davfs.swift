// SPDX-License-Identifier: Apache-2.0

import MountModel
import SystemPackage

extension FilesystemEntry {
    /// WebDAV (`man 8 mount.davfs`, `man 5 davfs2.conf`).
    static let davfs = FilesystemEntry(
        type: FilesystemType(rawValue: "davfs"),
        summary: """
            A folder of a WebDAV server, by davfs2. Nobody is asked for a password: it is in the file `secrets`, or in \
            the host's own `/etc/davfs2/secrets`.
            """,
        source: .url,
        construction: .helper(
            HelperGrammar(
                program: "mount.davfs", kernelType: "fuse", style: .mountHelper,
                settings: HelperGrammar.Settings(option: "conf", lines: ["ask_auth 0"], files: ["secrets"]),
                // Files there are named after the mountpoint, which all have in common.
                emptyFolders: ["/run/mount.davfs"])),
        isNetwork: true,
        options: CommonOptions.all + [
            OptionRule("secrets", .file(isSecret: true), summary: "lines of an address, a user and a password"),
            OptionRule("uid", .identifier, kernelDefault: "0", summary: "the owner of all files"),
            OptionRule("gid", .identifier, kernelDefault: "0", summary: "the group of all files"),
            OptionRule("file_mode", .octal(0...0o777), summary: "permissions of files"),
            OptionRule("dir_mode", .octal(0...0o777), summary: "permissions of folders"),
        ],
        refused: [
            RefusedOption("conf", "the settings are Holdfast's, and the host's in /etc/davfs2/davfs2.conf"),
            RefusedOption("username", "it is in the file 'secrets'"),
        ])
}
