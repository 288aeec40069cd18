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
            ("sshfs", "host:/srv", "host:/srv"), ("sshfs", "bob@Host.EXAMPLE.com:/Srv/", "bob@host.example.com:/Srv"),
            ("sshfs", "Bob.B-1_x+y$@h:/", "Bob.B-1_x+y$@h:/"), ("sshfs", "_apt@10.0.0.1:/a b", "_apt@10.0.0.1:/a b"),
            ("sshfs", "host:/a:/b@c", "host:/a:/b@c"), ("sshfs", "my_host:/-o", "my_host:/-o"),
            ("sshfs", "host:/\u{e9}", "host:/\u{e9}"),
            ("sshfs", "[2001:DB8:0:0:0:0:0:1]:/a", "[2001:db8::1]:/a"),
            ("sshfs", "u@[2001:0db8::0001]:/a/", "u@[2001:db8::1]:/a"),
            ("sshfs", "[2001:db8:0:1:1:1:1:1]:/a", "[2001:db8:0:1:1:1:1:1]:/a"),
            ("sshfs", "[2001:0:0:1:0:0:0:1]:/a", "[2001:0:0:1::1]:/a"),
            ("sshfs", "[2001:db8:0:0:1:0:0:1]:/a", "[2001:db8::1:0:0:1]:/a"), ("sshfs", "[::]:/", "[::]:/"),
            ("sshfs", "[::FFFF:192.0.2.1]:/a", "[::ffff:192.0.2.1]:/a"),
            ("sshfs", String(repeating: "a", count: 63) + ":/", String(repeating: "a", count: 63) + ":/"),
            ("rclone", "store:bucket/a/", "store:bucket/a"), ("rclone", "store:", "store:"),
            ("rclone", "store:/", "store:/"), ("rclone", "store:/a/", "store:/a"),
            ("rclone", "my-s3.eu_1:b:c", "my-s3.eu_1:b:c"), ("rclone", "store:-x", "store:-x"),
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
            ("sshfs", "", "the source is empty"),
            ("sshfs", "host", "is not a folder on a host"), ("sshfs", "host:", "is not a folder on a host"),
            ("sshfs", "host:srv", "is not a folder on a host"), ("sshfs", "/srv", "is not a folder on a host"),
            ("sshfs", ":/srv", "is not a folder on a host"), ("sshfs", "host:a/b", "is not a folder on a host"),
            ("sshfs", "-oProxyCommand=x:/srv", "is no name and no address"),
            ("sshfs", "bob@-oProxyCommand=x:/srv", "is no name and no address"),
            ("sshfs", "-oProxyCommand=x@host:/srv", "the user in the source"),
            ("sshfs", "@host:/srv", "the user in the source"), ("sshfs", "a@b@host:/srv", "the user in the source"),
            ("sshfs", "b\u{43E}b@host:/srv", "the user in the source"),
            ("sshfs", "bob smith@host:/srv", "the user in the source"),
            ("sshfs", String(repeating: "u", count: 256) + "@host:/srv", "the user in the source"),
            ("sshfs", "bob@:/srv", "is no name and no address"), ("sshfs", "ho st:/srv", "is no name and no address"),
            ("sshfs", "h\u{f6}st:/srv", "is no name and no address"), ("sshfs", "h,x:/", "is no name and no address"),
            ("sshfs", "\u{FF48}ost:/", "is no name and no address"), ("sshfs", "a..b:/", "is no name and no address"),
            ("sshfs", "host.:/srv", "is no name and no address"), ("sshfs", ".a:/", "is no name and no address"),
            ("sshfs", "host-:/srv", "is no name and no address"), ("sshfs", "$(id):/", "is no name and no address"),
            ("sshfs", String(repeating: "a", count: 64) + ":/", "is no name and no address"),
            ("sshfs", String(repeating: "a.", count: 126) + "ab:/", "is no name and no address"),
            ("sshfs", "2001:db8::1:/srv", "is no name and no address"),
            ("sshfs", "[::1%lo]:/srv", "is no IPv6 address"), ("sshfs", "[1.2.3.4]:/srv", "is no IPv6 address"),
            ("sshfs", "[]:/srv", "is no IPv6 address"), ("sshfs", "[::1]x:/srv", "is no name and no address"),
            ("sshfs", "host:/a/../b", "has the component '..'"), ("sshfs", "host://a", "has an empty component"),
            ("sshfs", "host:/a\u{0}b", "U+0000"), ("sshfs", "ho\u{0}st:/a", "U+0000"),
            ("sshfs", "host:/a\nb", "U+000A"),
            ("sshfs", "host:/" + String(repeating: "a/", count: 2100) + "b", "at most 4095"),
            ("rclone", "bucket", "names no remote"), ("rclone", ":s3:bucket", "names no remote"),
            ("rclone", "-v:bucket", "names no remote"), ("rclone", "s:a//b", "has an empty component"),
            ("rclone", "s:./a", "has the component '.'"), ("rclone", "s:a/../b", "has the component '..'"),
            ("rclone", "s://a", "has an empty component"), ("rclone", "my store:bucket", "names no remote"),
            ("rclone", "store,env_auth=true:bucket", "names no remote"), ("rclone", "/etc:x", "names no remote"),
            ("rclone", "store:a\u{0}", "U+0000"),
        ])
    func refused(type: String, source: String, expected: String) throws {
        let error = try #require(refusal(type, [], source: source))
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains(expected), "\(error)")
        #expect(error.context.type == type)
    }

    @Test("a password in a source is refused and never shown")
    func password() throws {
        for source in [
            "bob:hunter2@host:/srv", "bob:hunter2@host", "bob:hunter2@host://srv", "bob:hunter2@[::1]:/srv",
            "a@b:hunter2@c:/",
        ] {
            let error = try #require(refusal("sshfs", [], source: source))
            #expect(error.code == .invalidArgument)
            #expect(error.message.contains("password"))
            #expect(!"\(error) \(error.context)".contains("hunter2"))
        }
    }

    @Test(
        "a password is not shown whatever grammar the source has, nor a credential that stands for its file",
        arguments: [
            ("s3fs", "KEY:hunter2@bucket", []), ("quobyte", "bob:hunter2@registry/a b", []),
            ("pstorage", "bob:hunter2@cluster/x", []), ("9p", "bob:hunter2@tag/x", []),
            ("bind", "bob:hunter2@host:/srv", []), ("ext4", "bob:hunter2@host:/srv", []),
            ("ceph", "bob:hunter2@monitor:/x", []), ("rclone", "a b:hunter2@host", []),
            ("rclone", "https://bob:hunter2@host/x", []), ("overlay", "bob:hunter2@host:/srv", []),
            ("s3fs", "bucket", ["passwd_file=KEY:hunter2"]), ("s3fs", "bucket", ["passwd_file=/KEY,hunter2"]),
            ("s3fs", "bucket", ["passwd_file=/hunter2\u{1}"]), ("s3fs", "bucket", ["passwd_file=/../hunter2"]),
        ] as [(String, String, [String])])
    func secrets(type: String, source: String, options: [String]) throws {
        let error = try #require(refusal(type, options, source: source))
        #expect(error.code == .invalidArgument)
        #expect(!"\(error) \(error.hint ?? "") \(error.context)".contains("hunter2"), "\(error)")
    }

    @Test("an IPv6 address without brackets is told of them")
    func brackets() throws {
        let error = try #require(refusal("sshfs", [], source: "2001:db8::1:/srv"))
        #expect(error.hint == "an IPv6 address is written in brackets")
    }

    @Test(
        "the type is inferred where the spelling alone tells it",
        arguments: [
            ("server:/export", "nfs"), ("10.0.0.1:/", "nfs"), ("[fe80::1]:/export", "nfs"), ("//server/share", "cifs"),
            ("bob@host:/home", "sshfs"), ("https://server/files", "davfs"),
            ("HTTP://server:81/", "davfs"), ("tmpfs", "tmpfs"), ("overlay", "overlay"), ("/dev/vdb", nil),
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

    @Test func `sources that wait for one server have its name in common`() throws {
        func server(_ type: String, _ text: String) throws -> String? {
            let (text, options) = (text.split(separator: " ")[0], text.split(separator: " ").dropFirst())
            return catalog.server(of: try parse(type, options.map(String.init), source: String(text)))?.string
        }
        #expect(try server("sshfs", "root@Files.example:/a") == "files.example")
        #expect(try server("sshfs", "files.example:/b") == "files.example")
        #expect(try server("sshfs", "[2001:db8::1]:/b") == "[2001:db8::1]")
        #expect(try server("nfs", "Files.example:/a/") == "files.example")
        #expect(try server("glusterfs", "files.example:/volume/a") == "files.example")
        #expect(try server("ext4", "/dev/vdb") == "/dev/vdb")
        #expect(try server("bind", "/srv/data") == "/srv/data")
        #expect(try server("tmpfs", "scratch") == nil)
        #expect(try server("overlay", "layers") == nil)
        #expect(try server("davfs", "https://files.example:81/a/b") == "files.example:81")
        // A store and a registry are one server, whatever they have on them.
        #expect(try server("s3fs", "one url=https://Store.example:9000/x") == "store.example:9000")
        #expect(try server("s3fs", "two:/c url=https://store.example:9000") == "store.example:9000")
        #expect(try server("s3fs", "one") == "s3.amazonaws.com")
        #expect(try server("quobyte", "registry:7861/volume") == "registry:7861")
        #expect(try server("quobyte", "name") == "name")
        #expect(try server("pstorage", "cluster1") == "pstorage cluster1")
        #expect(try server("virtiofs", "tag") == "virtiofs tag")
        #expect(try server("9p", "tag") == "9p tag")
        let types = FilesystemCatalog.standard.typesWithServer
        #expect(types.contains(FilesystemType(rawValue: "sshfs")) && types.contains(FilesystemType(rawValue: "rclone")))
        #expect(!types.contains(FilesystemType(rawValue: "ext4")))
    }
}
