// SPDX-License-Identifier: Apache-2.0

import MountModel

/// Options that many types share (`man 8 mount`, "FILESYSTEM-INDEPENDENT MOUNT OPTIONS").
enum CommonOptions {
    /// Those that every type has: attributes of the mount, and what says only what holds anyway.
    static let all: [OptionRule] = [
        OptionRule("defaults", .flag, .nothing, summary: "nothing more"),
        OptionRule("nosuid", .flag, .nothing, summary: "always on"),
        OptionRule("nodev", .flag, .nothing, summary: "always on"),
        OptionRule(
            "rw", .flag, .nothing, groups: ["access"], summary: "writable; the default where the type can be written"),
        OptionRule("ro", .flag, .readOnly, groups: ["access"], summary: "read-only"),
        OptionRule("exec", .flag, .nothing, groups: ["exec"], summary: "programs can be started; the default"),
        OptionRule("noexec", .flag, .attribute(.noExecute), groups: ["exec"], summary: "programs cannot be started"),
        OptionRule("atime", .flag, .nothing, groups: ["atime"], summary: "the kernel's default, relatime"),
        OptionRule(
            "relatime", .flag, .nothing, groups: ["atime"], summary: "access times once a day at most; the default"),
        OptionRule("noatime", .flag, .attribute(.noAccessTime), groups: ["atime"], summary: "no access times"),
        OptionRule(
            "strictatime", .flag, .attribute(.strictAccessTime), groups: ["atime"], summary: "every access time"),
        OptionRule("diratime", .flag, .nothing, groups: ["diratime"], summary: "access times of folders; the default"),
        OptionRule(
            "nodiratime", .flag, .attribute(.noDirectoryAccessTime), groups: ["diratime"],
            summary: "no access times of folders"),
        OptionRule(
            "symfollow", .flag, .nothing, groups: ["symfollow"], summary: "symbolic links are followed; the default"),
        OptionRule(
            "nosymfollow", .flag, .attribute(.noSymlinkFollow), groups: ["symfollow"],
            summary: "symbolic links are not followed (kernel 5.14)"),
    ]

    /// Those of types that write to a device.
    static let writing: [OptionRule] = [
        OptionRule("async", .flag, .nothing, groups: ["sync"], summary: "writes are buffered; the default"),
        OptionRule("sync", groups: ["sync"], summary: "every write goes to the device at once"),
        OptionRule("dirsync", summary: "every change of a folder goes to the device at once"),
        OptionRule("lazytime", groups: ["lazytime"], summary: "times are kept in memory until the inode is written"),
        OptionRule(
            "nolazytime", .flag, .nothing, groups: ["lazytime"],
            summary: "times are written as they change; the default"),
    ]

    /// The names in `all`.
    static let names = Set(all.map(\.name))

    /// A flag and its opposite of the same superblock, either of which may be the default on the disk.
    static func pair(_ name: String, _ summary: String) -> [OptionRule] {
        [
            OptionRule(name, groups: [name], summary: summary),
            OptionRule("no\(name)", groups: [name], summary: "not \(name)"),
        ]
    }

    /// Another spelling of a flag.
    static func alias(_ name: String, of target: String) -> OptionRule {
        OptionRule(name, .flag, .standsFor([.init(target)]), summary: "another name of \(target)")
    }
}
