// SPDX-License-Identifier: Apache-2.0

import Filesystems
import MountModel
import Testing

@Suite struct SourceTests {
    @Test(
        "an accepted source has one canonical form",
        arguments: [
            ("bind", "/srv/a/", "/srv/a"), ("bind", "/srv/a", "/srv/a"), ("bind", "/", "/"),
            ("bind", "/srv/bob's, \"x\" \\ y", "/srv/bob's, \"x\" \\ y"), ("bind", "/srv/..a", "/srv/..a"),
            ("ext4", "/dev/disk/by-uuid/1-2", "/dev/disk/by-uuid/1-2"), ("squashfs", "/srv/a.img", "/srv/a.img"),
            ("tmpfs", "vm-1.scratch_a:b@c+d", "vm-1.scratch_a:b@c+d"), ("tmpfs", "_", "_"),
        ])
    func accepted(type: String, source: String, expected: String) throws {
        #expect(try parse(type, [], source: source).source == expected)
    }

    @Test(
        "a refused source is named with what is wrong",
        arguments: [
            ("bind", "", "the source is empty"),
            ("bind", "srv/a", "not an absolute path"),
            ("bind", "/srv/../etc", "has the component '..'"),
            ("bind", "/srv/a/..", "has the component '..'"),
            ("bind", "/srv/a/../", "has the component '..'"),
            ("bind", "/srv/./a", "has the component '.'"),
            ("bind", "//srv/a", "has an empty component"),
            ("bind", "/srv//a", "has an empty component"),
            ("bind", "/srv/a//", "has an empty component"),
            ("bind", "//", "has an empty component"),
            ("bind", "/srv/a\u{0}b", "U+0000"),
            ("bind", "/srv/a\nb", "U+000A"),
            ("bind", "/srv/\u{202E}gmi", "U+202E"),
            ("bind", "/" + String(repeating: "a/", count: 2100) + "b", "at most 4095"),
            ("bind", "/" + String(repeating: "a", count: 256), "a component of 256 bytes"),
            ("ext4", "/dev/vdb/", "has an empty component"),
            ("ext4", "/", "is a folder"),
            ("xfs", "UUID=1234", "is a tag, not a path"),
            ("vfat", "LABEL=boot", "is a tag, not a path"),
            ("ext4", "vdb", "not an absolute path"),
            ("tmpfs", "", "the source is empty"),
            ("tmpfs", "/srv", "is no name"),
            ("tmpfs", "a/b", "is no name"),
            ("tmpfs", "-o", "is no name"),
            ("tmpfs", "..", "is no name"),
            ("tmpfs", "a b", "is no name"),
            ("tmpfs", "a,suid", "is no name"),
            ("tmpfs", "sсratch", "is no name"),
            ("tmpfs", "\u{212A}", "is no name"),
            ("tmpfs", "a\n", "U+000A"),
            ("tmpfs", String(repeating: "a", count: 256), "at most 255"),
            ("overlay", "/layers", "is no name"),
        ])
    func refused(type: String, source: String, expected: String) throws {
        let error = try #require(refusal(type, [], source: source))
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains(expected), "\(error)")
        #expect(error.context.type == type)
    }

    @Test(
        "the type is inferred where the spelling alone tells it",
        arguments: [
            ("server:/export", "nfs"), ("10.0.0.1:/", "nfs"), ("[fe80::1]:/export", "nfs"), ("//server/share", "cifs"),
            ("bob@host:/home", "sshfs"), ("tmpfs", "tmpfs"), ("overlay", "overlay"), ("/dev/vdb", nil),
            ("/srv/a:/b", nil),
            ("ext4", nil), ("", nil), (":/a", nil), ("a/b:/c", nil), ("scratch", nil), ("host:export", nil),
        ] as [(String, String?)])
    func inferred(source: String, expected: String?) {
        #expect(catalog.inferType(from: source)?.rawValue == expected)
    }

    @Test(
        "a signature's name gives the type",
        arguments: [
            ("ext2", "ext4"), ("ext3", "ext4"), ("ext4", "ext4"), ("xfs", "xfs"), ("btrfs", "btrfs"), ("vfat", "vfat"),
            ("fat32", "vfat"), ("squashfs", "squashfs"), ("erofs", "erofs"), ("folder", "bind"), ("swap", nil),
            ("", nil),
        ] as [(String, String?)])
    func signature(name: String, expected: String?) {
        #expect(catalog.type(forSignature: name)?.rawValue == expected)
        #expect(FilesystemCatalog(entries: []).type(forSignature: name) == nil)
    }
}
