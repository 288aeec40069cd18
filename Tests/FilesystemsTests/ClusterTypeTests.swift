// SPDX-License-Identifier: Apache-2.0

import Filesystems
import MountModel
import SystemPackage
import Testing

/// Object stores, WebDAV, and the filesystems of clusters and of virtual machines' hosts.
@Suite struct ClusterTypeTests {
    @Test(
        "a source has one spelling",
        arguments: [
            ("s3fs", "bucket", "bucket"), ("s3fs", "my-b.1:/", "my-b.1"), ("s3fs", "b_C:/a/b/", "b_C:/a/b"),
            ("davfs", "HTTPS://Host.Example:443/Dav/", "https://host.example/Dav"),
            ("davfs", "http://[2001:DB8:0::1]:80", "http://[2001:db8::1]"), ("davfs", "http://h:81/", "http://h:81"),
            ("davfs", "http://h/a%20b/~c", "http://h/a%20b/~c"),
            ("davfs", "http://h/a%2fb/%41%7e%c3%A9", "http://h/a%2Fb/A~%C3%A9"),
            ("glusterfs", "Host:/vol/", "host:/vol"), ("glusterfs", "[::1]:/vol/sub/dir", "[::1]:/vol/sub/dir"),
            ("ceph", "10.0.0.2:6789,10.0.0.1:/a/", "10.0.0.1,10.0.0.2:/a"),
            ("ceph", "[2001:DB8::1]:3300,MON:/", "[2001:db8::1]:3300,mon:/"), ("ceph-fuse", "b,a,b:/", "a,b:/"),
            ("9p", "tag0", "tag0"), ("virtiofs", "tag0", "tag0"), ("gpfs", "gpfs0", "gpfs0"),
            ("quobyte", "registry:7861/volume", "registry:7861/volume"), ("pstorage", "cluster1", "cluster1"),
        ])
    func canonical(type: String, source: String, expected: String) throws {
        let canonical = try parse(type, [], source: source).source
        #expect(Array(canonical.utf8) == Array(expected.utf8))
        #expect(try parse(type, [], source: canonical).source == canonical)
    }

    @Test(
        "a source that is none is refused, with what is wrong",
        arguments: [
            ("s3fs", "", "empty"), ("s3fs", "ab", "is no bucket"), ("s3fs", "-bucket", "is no bucket"),
            ("s3fs", "a/b", "is no bucket"), ("s3fs", "bucket:folder", "not an absolute path"),
            ("s3fs", "bucket:/a/../b", "has the component '..'"), ("s3fs", "bucket,x", "is no bucket"),
            ("davfs", "ftp://h/a", "no address of a web server"), ("davfs", "h/a", "no address of a web server"),
            ("davfs", "http://bob:hunter2@h/a", "has a password"), ("davfs", "http://bob@h/a", "names a user"),
            ("davfs", "http://h:0/a", "port of the source"),
            ("davfs", "http://h/a b", "a character that no address has"), ("davfs", "http:///a", "is no name"),
            ("davfs", "http://h/a?x=1", "a character that no address has"),
            ("davfs", "http://h/a/../b", "has the component '..'"),
            ("davfs", "http://h/a/%2e%2E/b", "has the component '..'"), ("davfs", "http://h/%4", "no address has"),
            ("davfs", "http://h/%zz", "no address has"), ("davfs", "http://127.1/a", "is no name and no address"),
            ("davfs", "http://h/a,b", "no address has"),
            ("glusterfs", "host:/", "names no volume"), ("glusterfs", "host:vol", "is not a folder on a host"),
            ("ceph", "10.0.0.1", "names no folder of monitors"), ("ceph", "a,,b:/x", "is no name and no address"),
            ("ceph", "a:0:/x", "port of a monitor"), ("ceph", "a:/x,name=admin", "has a comma in its folder"),
            ("ceph", "a:/..", "has the component '..'"), ("9p", "/tag", "is no name"), ("gpfs", "/gpfs", "is no name"),
            ("quobyte", "-x", "begins with '-'"), ("quobyte", "a b", "has a space"), ("quobyte", "a,b", "a comma"),
        ])
    func refused(type: String, source: String, expected: String) throws {
        let error = try #require(refusal(type, [], source: source))
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains(expected), "\(error)")
        #expect(!"\(error) \(error.context)".contains("hunter2"))
    }

    @Test(
        "what is dangerous is refused",
        arguments: [
            ("s3fs", "no_check_certificate", "in between"), ("s3fs", "credlib=/tmp/x.so", "run as root"),
            ("s3fs", "url=https://u:p@h", "names a user"), ("s3fs", "use_cache=/tmp", "shared"),
            ("s3fs", "umask=8", "octal"), ("davfs", "conf=/tmp/x", "Holdfast's"), ("davfs", "username=bob", "secrets"),
            ("glusterfs", "log-file=/etc/passwd", "holdfast.log"), ("glusterfs", "xlator-option=x", "changes what"),
            ("glusterfs", "volfile-id=x", "has no option"), ("ceph", "secret=AQ", "credential"),
            ("ceph", "mon_addr=10.0.0.1", "monitors"), ("ceph", "noshare", "differ"),
            ("ceph-fuse", "key=AQ", "keyring"),
            ("9p", "trans=fd", "one of virtio, xen"), ("9p", "rfdno=0", "another process"),
            ("virtiofs", "dax=sometimes", "one of always"), ("pstorage", "mode=4755", "octal"),
            ("quobyte", "allow_other", "has no option"), ("gpfs", "ro", "has no option"),
        ])
    func dangerous(type: String, option: String, expected: String) throws {
        let error = try #require(refusal(type, [option]))
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains(expected), "\(error)")
    }

    private func recipe(_ type: String, _ options: [String], source: String) throws -> MountRecipe {
        try catalog.recipe(
            for: catalog.source(type: FilesystemType(rawValue: type), source: source, options: options))
    }

    private func program(_ recipe: MountRecipe) throws -> HelperProgram {
        guard case .helper(let program) = recipe.medium else {
            throw MountError(.internal, "it is no helper program's")
        }
        return program
    }

    private static let gluster = ["--log-file=/var/log/glusterfs/holdfast.log", "--log-level=WARNING"]

    @Test(
        "a program is told this and nothing else",
        arguments: [
            (
                "s3fs", "bucket:/a", ["passwd_file=/k", "url=http://h:9000", "use_path_request_style", "ro"],
                [
                    "-o", "allow_other", "-o", "tmpdir=/var/tmp", "bucket:/a", "/mnt", "-o", "ro", "-o",
                    "passwd_file=/root/passwd_file", "-o",
                    "url=http://h:9000", "-o", "use_path_request_style",
                ]
            ),
            (
                "davfs", "http://h/a", ["secrets=/s", "uid=5", "ro"],
                ["http://h/a", "/mnt", "-o", "ro,conf=/root/conf,uid=5"]
            ),
            (
                "glusterfs", "[::1]:/vol/a/b", ["acl", "ro"],
                gluster + [
                    "--volfile-server=::1", "--volfile-id=vol", "--subdir-mount=/a/b", "--read-only", "--acl", "/mnt",
                ]
            ),
            (
                "ceph", "m1,m2:/a", ["name=bob", "secretfile=/k", "mds_namespace=data"],
                ["-n", "m1,m2:/a", "/mnt", "-o", "fs=data,name=bob,secretfile=/root/secretfile"]
            ),
            (
                "ceph-fuse", "m1:3300:/a", ["id=bob", "keyring=/k", "ro"],
                ["--fuse_allow_other=1", "-m", "m1:3300", "-r", "/a", "--id=bob", "--keyring=/root/keyring", "/mnt"]
            ),
            ("quobyte", "r/v", ["ro"], ["--disable-xattrs", "r/v", "/mnt", "-o", "ro"]),
            (
                "pstorage", "c1", ["uid=5", "gid=6", "mode=755", "ro"],
                ["-c", "c1", "-g", "6", "-m", "0755", "-u", "5", "/mnt"]
            ),
        ])
    func arguments(type: String, source: String, options: [String], expected: [String]) throws {
        let recipe = try recipe(type, options, source: source)
        #expect(try program(recipe).arguments(recipe.parameters, place: "/mnt") == expected)
    }

    @Test("davfs2 reads its settings and its secrets from files that are its own")
    func davfs() throws {
        let recipe = try recipe("davfs", ["secrets=/s"], source: "http://h")
        #expect(
            recipe.parameters == [
                .content("conf", Array("ask_auth 0\nsecrets /root/secrets\n".utf8), isSecret: false),
                .file("secrets", "/s", isSecret: true),
            ])
        #expect(recipe.filesystem.rawValue == "fuse")
        #expect(try program(recipe).emptyFolders == ["/run/mount.davfs"])
        let hosts = try self.recipe("davfs", [], source: "http://h")
        #expect(hosts.parameters == [.content("conf", Array("ask_auth 0\n".utf8), isSecret: false)])
    }

    @Test("an option that says what holds anyway stays where another one needs it")
    func neededDefault() throws {
        #expect(try FilesystemsTests.canonical("ceph", ["name=guest"]) == [])
        let options = ["name=guest", "secretfile=/k"]
        #expect(try FilesystemsTests.canonical("ceph", options) == options)
        #expect(try recipe("ceph", options, source: "m:/").parameters.map(\.description) == options)
    }

    @Test("the kernel has one superblock for a tag of virtiofs, and its first mount's options hold")
    func virtiofs() throws {
        #expect(try catalog.entry(FilesystemType(rawValue: "virtiofs")).hasOneSuperblockPerDevice)
        #expect(try recipe("virtiofs", [], source: "tag").exclusiveSuperblock)
        #expect(try !recipe("9p", [], source: "tag").exclusiveSuperblock)
    }

    @Test("what the kernel mounts by itself is told its source and no address")
    func byKernel() throws {
        let guest = try recipe("9p", ["msize=128k", "ro"], source: "tag0")
        #expect(guest.medium == .none && guest.filesystem.rawValue == "9p")
        #expect(
            guest.parameters == [
                .string("source", "tag0"), .flag("ro"), .string("msize", "131072"), .string("trans", "virtio"),
                .string("version", "9p2000.L"),
            ])
        #expect(
            try recipe("virtiofs", ["dax=never"], source: "t").parameters == [
                .string("source", "t"), .string("dax", "never"),
            ])
        let ceph = try recipe("ceph", ["name=bob", "secretfile=/k"], source: "10.0.0.1:/")
        #expect(try program(ceph).kernel == KernelMount(secret: .key))
        #expect(try program(ceph).source == "10.0.0.1:/")
    }
}
