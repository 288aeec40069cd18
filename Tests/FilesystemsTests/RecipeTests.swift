// SPDX-License-Identifier: Apache-2.0

import Filesystems
import MountModel
import SystemPackage
import Testing

@Suite struct RecipeTests {
    private func recipe(_ type: String, _ options: [String]) throws -> MountRecipe {
        try catalog.recipe(for: try parse(type, options))
    }

    @Test("a tmpfs has its name as source, and its options in order")
    func tmpfs() throws {
        #expect(
            try recipe("tmpfs", ["size=1m", "mode=0700", "noexec", "noswap"])
                == MountRecipe(
                    filesystem: FilesystemType(rawValue: "tmpfs"), medium: .none,
                    parameters: [
                        .string("source", "scratch"), .string("mode", "0700"), .flag("noswap"),
                        .string("size", "1048576"),
                    ],
                    attributes: [.noSetUserID, .noDevices, .noExecute], exclusiveSuperblock: false))
    }

    @Test("a bind has attributes only")
    func bind() throws {
        #expect(
            try recipe("bind", ["ro", "noatime", "nosymfollow", "nodiratime"])
                == MountRecipe(
                    filesystem: FilesystemType(rawValue: "bind"), medium: .folder("/srv/a"), parameters: [],
                    attributes: [
                        .noSetUserID, .noDevices, .readOnly, .noAccessTime, .noSymlinkFollow, .noDirectoryAccessTime,
                    ], exclusiveSuperblock: false))
    }

    @Test("an overlay hands its layers over as paths, in their order, and follows no redirects by default")
    func overlay() throws {
        let recipe = try recipe("overlay", ["lowerdir=/b:/a", "workdir=/w", "upperdir=/u", "index=off"])
        #expect(
            recipe
                == MountRecipe(
                    filesystem: FilesystemType(rawValue: "overlay"), medium: .none,
                    parameters: [
                        .string("source", "layers"), .string("index", "off"), .paths("lowerdir", ["/b", "/a"]),
                        .string("redirect_dir", "nofollow"), .paths("upperdir", ["/u"]), .paths("workdir", ["/w"]),
                    ],
                    attributes: .always, exclusiveSuperblock: false))
        #expect(recipe.paths == ["/b", "/a", "/u", "/w"])
        #expect(recipe.parameters.map(\.description)[2] == "lowerdir=/b:/a")
    }

    @Test("an overlay without an upper layer is read-only on the superblock and on the mount")
    func overlayReadOnly() throws {
        let recipe = try recipe("overlay", ["redirect_dir=on"])
        #expect(
            recipe.parameters == [
                .string("source", "layers"), .flag("ro"), .paths("lowerdir", ["/l"]), .string("redirect_dir", "on"),
            ])
        #expect(recipe.attributes == [.noSetUserID, .noDevices, .readOnly])
    }

    @Test("ext4 is given errors=remount-ro unless the caller says otherwise")
    func ext4() throws {
        #expect(
            try recipe("ext4", ["discard"])
                == MountRecipe(
                    filesystem: FilesystemType(rawValue: "ext4"), medium: .deviceOrImage("/dev/vdb", readOnly: false),
                    parameters: [.flag("discard"), .string("errors", "remount-ro")], attributes: .always,
                    exclusiveSuperblock: true))
        #expect(try recipe("ext4", ["errors=continue"]).parameters == [.string("errors", "continue")])
    }

    @Test("ro opens the medium, the superblock and the mount read-only", arguments: ["ext4", "xfs", "btrfs", "vfat"])
    func readOnly(type: String) throws {
        let recipe = try recipe(type, ["ro", "strictatime"])
        #expect(recipe.medium == .deviceOrImage("/dev/vdb", readOnly: true))
        #expect(recipe.parameters.first == .flag("ro"))
        #expect(recipe.attributes == [.noSetUserID, .noDevices, .readOnly, .strictAccessTime])
    }

    @Test("images that cannot be written are read-only without being asked", arguments: ["squashfs", "erofs"])
    func alwaysReadOnly(type: String) throws {
        #expect(
            try recipe(type, ["noexec"])
                == MountRecipe(
                    filesystem: FilesystemType(rawValue: type), medium: .deviceOrImage("/dev/vdb", readOnly: true),
                    parameters: [.flag("ro")], attributes: [.noSetUserID, .noDevices, .readOnly, .noExecute],
                    exclusiveSuperblock: true))
    }

    @Test("btrfs and xfs get the kernel's own spellings")
    func kernelSpellings() throws {
        #expect(
            try recipe("btrfs", ["compress", "subvol=a", "discard"]).parameters
                == [.string("compress", "zlib"), .string("discard", "sync"), .string("subvol", "/a")])
        #expect(
            try recipe("xfs", ["usrquota", "allocsize=1m", "wsync"]).parameters
                == [.string("allocsize", "1048576"), .flag("uquota"), .flag("wsync")])
    }

    @Test("vfat is given masks and a character set unless the caller names others")
    func vfat() throws {
        #expect(
            try recipe("vfat", []).parameters == [.string("dmask", "022"), .string("fmask", "022"), .flag("utf8")])
        #expect(
            try recipe("vfat", ["fmask=0133", "iocharset=cp437"]).parameters
                == [.string("dmask", "022"), .string("fmask", "0133"), .string("iocharset", "cp437")])
    }

    @Test("sshfs is told source and options apart, and its files are copied")
    func sshfs() throws {
        let recipe = try recipe("sshfs", ["IdentityFile=/k", "UserKnownHostsFile=/h", "ro", "reconnect", "noexec"])
        #expect(recipe.filesystem.rawValue == "fuse.sshfs")
        #expect(
            recipe.parameters == [
                .flag("ro"), .file("IdentityFile", "/k", isSecret: true), .string("ServerAliveCountMax", "3"),
                .string("ServerAliveInterval", "15"), .file("UserKnownHostsFile", "/h", isSecret: false),
                .flag("reconnect"),
            ])
        #expect(recipe.attributes == [.noSetUserID, .noDevices, .noExecute, .readOnly])
        #expect(recipe.paths == ["/k", "/h"])
        guard case .helper(let program) = recipe.medium else {
            Issue.record("it is no helper program's")
            return
        }
        #expect(program.name == "sshfs")
        #expect(program.source == "bob@host:/srv")
        for word in ["allow_other", "default_permissions", "BatchMode=yes", "StrictHostKeyChecking=yes"] {
            #expect(program.words.contains(word))
        }
        #expect(
            try self.recipe("sshfs", ["ServerAliveInterval=0"]).parameters.first == .string("ServerAliveCountMax", "3"))
    }

    @Test("rclone's read-only has its own name")
    func rclone() throws {
        let recipe = try recipe("rclone", ["ro", "umask=027", "uid=5"])
        #expect(recipe.filesystem.rawValue == "fuse.rclone")
        #expect(
            recipe.parameters == [
                .flag("read-only"), .file("config", "/etc/rclone.conf", isSecret: true), .string("uid", "5"),
                // It reads "27" as decimal.
                .string("umask", "027"),
            ])
        let source = try parse("rclone", [])
        #expect(try catalog.recipe(for: source, cache: "/c").parameters.first == .string("cache-dir", "/c"))
        let other = try parse("sshfs", [])
        #expect(try catalog.recipe(for: other, cache: "/c") == (try catalog.recipe(for: other)))
        #expect(
            try self.recipe("rclone", []).parameters == [
                .file("config", "/etc/rclone.conf", isSecret: true), .string("umask", "022"),
            ])
    }

    @Test("a source that nobody checked gets no recipe")
    func unchecked() {
        let type = FilesystemType(rawValue: "ext4")
        for source in [
            MountSource(type: type, source: "/dev/../vda", options: []),
            MountSource(type: type, source: "/dev/vda", options: [MountOption("suid")]),
            MountSource(type: type, source: "/dev/vda", options: [MountOption("ro", "x,suid")]),
            MountSource(type: type, source: "/dev/vda", options: [MountOption("data=journal,suid")]),
            MountSource(type: FilesystemType(rawValue: "proc"), source: "proc", options: []),
        ] {
            #expect(throws: MountError.self) { try catalog.recipe(for: source) }
        }
    }

    @Test("nosuid and nodev are in every recipe, and no text is longer than fsconfig takes")
    func always() throws {
        for entry in catalog.entries {
            for rule in entry.options {
                for value in ["", "=1", "=64k", "=on", "=continue", "=/\(String(repeating: "x", count: 250))"] {
                    guard let source = try? parse(entry.type.rawValue, [rule.name + value]) else { continue }
                    let recipe = try catalog.recipe(for: source)
                    #expect(recipe.attributes.isSuperset(of: .always))
                    for case .string(let name, let value) in recipe.parameters {
                        #expect(name.utf8.count <= 255 && value.utf8.count <= 255)
                    }
                }
            }
        }
    }
}
