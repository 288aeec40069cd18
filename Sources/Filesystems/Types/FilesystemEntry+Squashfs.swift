// SPDX-License-Identifier: Apache-2.0

import MountModel

extension FilesystemEntry {
    /// SquashFS (kernel: Documentation/filesystems/squashfs.rst).
    static let squashfs = FilesystemEntry(
        type: FilesystemType(rawValue: "squashfs"), summary: "SquashFS, compressed and read-only.",
        source: .deviceOrImage, hasOneSuperblockPerDevice: true, access: .readOnly,
        options: CommonOptions.all + [
            // No panic: an image must not stop the host.
            OptionRule(
                "errors", .choice(["continue"]), kernelDefault: "continue", summary: "what an error does (kernel 5.15)")
        ])
}
