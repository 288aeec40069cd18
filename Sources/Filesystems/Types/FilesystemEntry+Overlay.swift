// SPDX-License-Identifier: Apache-2.0

import MountModel
import SystemPackage

extension FilesystemEntry {
    /// Folders on top of each other (kernel: Documentation/filesystems/overlayfs.rst).
    ///
    /// `redirect_dir` is `nofollow` unless the caller wants it on: a redirect is an extended attribute in a layer that
    /// makes one folder show another's content, and a layer may come from someone the caller should not trust. `off` is
    /// not offered: it means follow or do not follow by how the kernel was configured.
    static let overlay = FilesystemEntry(
        type: FilesystemType(rawValue: "overlay"),
        summary: "Folders on top of each other. The source is a name that tells one from another.",
        source: .name, access: .writableWith("upperdir"),
        defaultOptions: [MountOption("redirect_dir", "nofollow")],
        options: CommonOptions.all + [
            // 500 is the kernel's own limit (OVL_MAX_STACK).
            OptionRule(
                "lowerdir", .pathList(maximumCount: 500), isRequired: true,
                summary: "read-only layers, the topmost first"),
            OptionRule("upperdir", .path, requires: ["workdir"], summary: "the layer that is written to"),
            OptionRule(
                "workdir", .path, requires: ["upperdir"], summary: "an empty folder beside upperdir, for the kernel"),
            OptionRule(
                "redirect_dir", .choice(["on", "nofollow"]), summary: "whether folders can be renamed without a copy"),
            OptionRule(
                "index", .choice(["on", "off"]), summary: "whether hard links stay links when they are copied up"),
            OptionRule("nfs_export", .choice(["on", "off"]), summary: "whether an NFS server can export it"),
            OptionRule("xino", .choice(["on", "off", "auto"]), summary: "how inode numbers are made unique"),
        ],
        refused: [
            RefusedOption(
                "userxattr", "whoever owns a file in a layer could then forge the marks that hide and redirect files"),
            RefusedOption("metacopy", "a layer could then show content of files it has no right to"),
            RefusedOption("volatile", "after a crash it could not be mounted again"),
            RefusedOption("datadir", isPrefix: true, "data-only layers serve only 'metacopy', which is refused"),
            RefusedOption("lowerdir+", "write all layers in 'lowerdir', with ':' between them"),
            RefusedOption("override_creds", "the daemon's own credentials are always the ones that count"),
        ],
        check: checkLayers)

    /// What the kernel would answer with no more than EINVAL or ELOOP, or not at all ("undefined behaviour").
    @Sendable private static func checkLayers(_ given: GivenOptions) throws(MountError) {
        guard let upper = given.value(of: "upperdir"), let work = given.value(of: "workdir") else { return }
        let upperPath = FilePath(upper)
        let workPath = FilePath(work)
        if upperPath.starts(with: workPath) || workPath.starts(with: upperPath) {
            throw .invalidArgument(
                "upperdir '\(InputText.quoted(upper))' and workdir '\(InputText.quoted(work))' lie within each other",
                hint: "use two folders side by side, on one filesystem")
        }
        for lower in (given.value(of: "lowerdir") ?? "").utf8.split(separator: UInt8(ascii: ":")) {
            let lowerPath = FilePath(String(decoding: lower, as: UTF8.self))
            if lowerPath == upperPath || lowerPath == workPath {
                throw .invalidArgument(
                    "'\(InputText.quoted(lowerPath.string))' is a lower layer and upperdir or workdir at once")
            }
        }
    }
}
