// SPDX-License-Identifier: Apache-2.0

import MountModel

extension FilesystemEntry {
    /// Memory (`man 5 tmpfs`).
    static let tmpfs = FilesystemEntry(
        type: FilesystemType(rawValue: "tmpfs"),
        summary: "Files in memory and swap, gone with the mount. The source is a name that tells one from another.",
        source: .name,
        options: CommonOptions.all + [
            // 0 would be no limit at all: one consumer could take the host's memory.
            OptionRule(
                "size", .size(4096...(1 << 50), percentages: true), kernelDefault: "50%",
                summary: "most bytes it may hold, rounded up to pages; a percentage is of the memory"),
            OptionRule("nr_inodes", .size(1...(1 << 40)), summary: "most files and folders it may hold"),
            // Not beyond 3777: a set-user-id bit on a folder means nothing on Linux.
            OptionRule("mode", .octal(0...0o3777), kernelDefault: "1777", summary: "mode of the top folder"),
            OptionRule("uid", .identifier, kernelDefault: "0", summary: "owner of the top folder"),
            OptionRule("gid", .identifier, kernelDefault: "0", summary: "group of the top folder"),
            OptionRule(
                "huge", .choice(["never", "always", "within_size", "advise"]),
                summary: "huge pages; the default is the kernel's"
            ),
            OptionRule("noswap", summary: "never written to swap (kernel 6.4)"),
            OptionRule("inode32", groups: ["inode"], summary: "inode numbers of 32 bits"),
            OptionRule("inode64", groups: ["inode"], summary: "inode numbers of 64 bits"),
        ],
        refused: [
            RefusedOption("nr_blocks", "write the size in bytes, with 'size'"),
            RefusedOption("mpol", "it could bind the host's memory of one node"),
        ])
}
