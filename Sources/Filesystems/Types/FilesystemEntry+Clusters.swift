// SPDX-License-Identifier: Apache-2.0

import MountModel

extension FilesystemEntry {
    /// Quobyte, by its own client.
    static let quobyte = FilesystemEntry(
        type: FilesystemType(rawValue: "quobyte"),
        summary: "A volume of Quobyte: `registry/volume`.",
        source: .text,
        construction: .helper(
            HelperGrammar(
                program: "mount.quobyte", kernelType: "fuse.quobyte", words: ["--disable-xattrs"],
                style: .mountHelper)),
        isNetwork: true, options: CommonOptions.all)

    /// Virtuozzo Storage, by its own client (`man 1 pstorage-mount`). The host is authorised by its administrator.
    static let pstorage = FilesystemEntry(
        type: FilesystemType(rawValue: "pstorage"),
        summary: "A cluster of Virtuozzo Storage, by its name.",
        source: .name,
        construction: .helper(
            HelperGrammar(
                program: "pstorage-mount", kernelType: "fuse.pstorage", style: .letters, sourceForm: .cluster,
                readOnlyOption: nil)),
        isNetwork: true,
        options: CommonOptions.all + [
            OptionRule("uid", .identifier, summary: "the owner of all files"),
            OptionRule("gid", .identifier, summary: "the group of all files"),
            OptionRule("mode", .octal(0...0o777), summary: "permissions of all files"),
        ])

    /// GPFS, Spectrum Scale, Storage Scale: its own daemon mounts it on all hosts of a cluster.
    static let gpfs = FilesystemEntry(
        type: FilesystemType(rawValue: "gpfs"),
        summary: "A filesystem of GPFS that the host has mounted: verified and counted, never mounted or unmounted.",
        source: .name, construction: .external(kernelType: "gpfs"), isNetwork: true, options: [])
}
