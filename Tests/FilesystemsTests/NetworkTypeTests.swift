// SPDX-License-Identifier: Apache-2.0

import Filesystems
import MountModel
import SystemPackage
import Testing

/// NFS and SMB: one spelling for each source, and what programs and kernel are told of it.
@Suite struct NetworkTypeTests {
    @Test(
        "a source has one spelling",
        arguments: [
            ("nfs", "server:/a", "server:/a"), ("nfs", "SERVER.Example.com:/A/", "server.example.com:/A"),
            ("nfs", "10.0.0.1:/", "10.0.0.1:/"), ("nfs", "[2001:DB8:0::1]:/a", "[2001:db8::1]:/a"),
            ("nfs", "server:/a b/c:d", "server:/a b/c:d"), ("nfs", "a.1b:/", "a.1b:/"),
            ("cifs", "//server/share", "//server/share"), ("cifs", "//Server/Share", "//server/share"),
            ("cifs", "//SERVER.example.COM/C$/", "//server.example.com/c$"),
            ("cifs", "//s/Share Name/Folder/Sub/", "//s/share name/Folder/Sub"),
            ("cifs", "//[FE80::1]/a", "//[fe80::1]/a"), ("cifs", "//10.0.0.1/\u{c9}A", "//10.0.0.1/\u{c9}a"),
        ])
    func canonical(type: String, source: String, expected: String) throws {
        let canonical = try parse(type, [], source: source).source
        #expect(Array(canonical.utf8) == Array(expected.utf8))
        #expect(try parse(type, [], source: canonical).source == canonical)
        #expect(catalog.inferType(from: source)?.rawValue == type)
    }

    @Test(
        "a source that is none is refused, with what is wrong",
        arguments: [
            ("nfs", "server", "is not a folder on a host"), ("nfs", "server:a", "is not a folder on a host"),
            ("nfs", "bob@server:/a", "names a user"), ("nfs", "2001:db8::1:/a", "is no name and no address"),
            ("nfs", "a,b:/c", "is no name and no address"),
            ("nfs", "127.1:/a", "is no name and no address"), ("nfs", "010.0.0.1:/a", "is no name and no address"),
            ("nfs", "2130706433:/", "is no name and no address"), ("nfs", "0x7F.1:/", "is no name and no address"),
            ("nfs", "server:/a/../b", "has the component '..'"),
            ("nfs", "nfs://server/a", "has an empty component"), ("nfs", "-o:/a", "is no name and no address"),
            ("cifs", "//server", "is not a share"), ("cifs", "//server/", "is not a share"),
            ("cifs", "///share", "is not a share"), ("cifs", "/server/share", "is not a share"),
            ("cifs", "\\\\server\\share", "is not a share"), ("cifs", "smb://server/share", "is not a share"),
            ("cifs", "//server//share", "is not a share"), ("cifs", "//server/share//", "has an empty component"),
            ("cifs", "//server/..", "has the component '..'"), ("cifs", "//server/a/../b", "has the component '..'"),
            ("cifs", "//server/a,user=x", "has a ','"), ("cifs", "//server/a\\b", "has a '\\'"),
            ("cifs", "//server/a/b,c", "has a ','"), ("cifs", "//ser ver/a", "is no name and no address"),
            ("cifs", "//[::1]x/a", "is no name and no address"), ("cifs", "//::1/a", "is no name and no address"),
            ("cifs", "//bob@server/a", "names a user"), ("cifs", "//server/a\u{0}", "U+0000"),
            ("cifs", "//-o/a", "is no name and no address"),
        ])
    func refused(type: String, source: String, expected: String) throws {
        let error = try #require(refusal(type, [], source: source))
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains(expected), "\(error)")
    }

    @Test("a password in a share is refused and never shown")
    func password() throws {
        for source in ["//bob:hunter2@server/share", "//bob%hunter2:x@server/share", "//a:hunter2@[::1]/x"] {
            let error = try #require(refusal("cifs", [], source: source))
            #expect(error.message.contains("password"))
            #expect(!"\(error) \(error.context)".contains("hunter2"))
        }
        let option = try #require(refusal("cifs", ["password=hunter2"]))
        #expect(option.message.contains("credential") && !"\(option) \(option.context)".contains("hunter2"))
    }

    @Test(
        "options that mean the same are the same",
        arguments: [
            ("nfs", ["vers=4.2", "hard", "port=2049", "nconnect=1", "resvport"], []),
            ("nfs", ["nfsvers=3", "port=2049"], ["port=2049", "vers=3"]),
            ("nfs", ["vers=auto", "port=2049"], ["port=2049", "vers=auto"]),
            ("nfs", ["tcp", "lookupcache=pos"], ["lookupcache=positive", "proto=tcp"]),
            ("nfs", ["rsize=64k", "soft", "intr"], ["rsize=65536", "soft"]),
            ("cifs", ["port=445", "vers=3.02", "workgroup=LAB"], ["domain=LAB", "vers=3.0.2"]),
            ("cifs", ["file_mode=644", "dir_mode=0755"], ["dir_mode=755", "file_mode=644"]),
            ("cifs", ["file_mode=0"], ["file_mode=0"]),
        ])
    func sameOptions(type: String, options: [String], expected: [String]) throws {
        #expect(try FilesystemsTests.canonical(type, options) == expected)
    }

    @Test(
        "what is dangerous, or has no meaning, is refused",
        arguments: [
            ("nfs", ["vers=4"], "one of 4.2, 4.1, 4.0, 3, auto"), ("nfs", ["vers=2"], "one of 4.2"),
            ("nfs", ["minorversion=1"], "vers=4.1"), ("nfs", ["proto=udp"], "one of tcp"),
            ("nfs", ["udp"], "damaged"), ("nfs", ["addr=10.0.0.1"], "source's host"),
            ("nfs", ["bg"], "is refused"), ("nfs", ["retry=5"], "always 0"), ("nfs", ["sloppy"], "without a word"),
            ("nfs", ["nolock"], "no meaning with vers=4.2"), ("nfs", ["vers=4.0", "mountport=1"], "vers=4.0"),
            ("nfs", ["hard", "soft"], "contradict"), ("nfs", ["ac", "noac"], "contradict"),
            ("cifs", ["vers=1.0"], "one of 3.1.1"), ("cifs", ["ip=10.0.0.1"], "source's"),
            ("cifs", ["unc=x"], "source's"), ("cifs", ["user=bob"], "credential"),
            ("cifs", ["pass2=x"], "credential"), ("cifs", ["credentials=share"], "not an absolute path"),
            ("cifs", ["domain=a/b"], "letters, digits"), ("cifs", ["domain=-x"], "letters, digits"),
            ("cifs", ["forceuid"], "needs option 'uid'"), ("cifs", ["max_channels=2"], "needs option 'multichannel'"),
            ("cifs", ["credentials=/c", "guest"], "contradict"),
        ])
    func dangerous(type: String, options: [String], expected: String) throws {
        let error = try #require(refusal(type, options))
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains(expected), "\(error)")
    }

    @Test("a share needs credentials, unless nobody or Kerberos is asked for")
    func login() throws {
        let type = FilesystemType(rawValue: "cifs")
        let error = #expect(throws: MountError.self) {
            try catalog.source(type: type, source: "//s/a", options: [])
        }
        #expect(error?.message == "type 'cifs' needs option 'credentials'")
        for options in [["guest"], ["sec=krb5"], ["sec=krb5i", "cruid=5"], ["credentials=/c"]] {
            #expect(throws: Never.self) { try catalog.source(type: type, source: "//s/a", options: options) }
        }
    }

    private func program(_ type: String, _ options: [String], source: String) throws -> (
        recipe: MountRecipe, program: HelperProgram, arguments: [String]?
    ) {
        let recipe = try catalog.recipe(
            for: catalog.source(type: FilesystemType(rawValue: type), source: source, options: options))
        guard case .helper(let program) = recipe.medium else {
            throw MountError(.internal, "it is no helper program's")
        }
        return (recipe, program, program.arguments(recipe.parameters, place: "/mnt"))
    }

    @Test(
        "a program is told this and nothing else",
        arguments: [
            ("nfs", "Server:/a/", [], ["-n", "-o", "retry=0", "server:/a", "/mnt", "-o", "vers=4.2"]),
            (
                "nfs", "[::1]:/a b", ["ro", "noexec", "vers=4.0", "soft", "timeo=50"],
                ["-n", "-o", "retry=0", "[::1]:/a b", "/mnt", "-o", "ro,soft,timeo=50,vers=4.0"]
            ),
            ("nfs", "s:/", ["vers=auto"], ["-n", "-o", "retry=0", "s:/", "/mnt"]),
            (
                "nfs", "s:/a", ["vers=3", "nolock"], ["-n", "-o", "retry=0", "s:/a", "/mnt", "-o", "nolock,vers=3"]
            ),
            (
                "cifs", "//Server/Share/Sub", ["credentials=/etc/share", "seal", "uid=5"],
                ["-n", "//server/share/Sub", "/mnt", "-o", "credentials=/root/credentials,seal,uid=5"]
            ),
            ("cifs", "//[FE80::1]/s", ["guest", "ro"], ["-n", "//fe80::1/s", "/mnt", "-o", "ro,guest"]),
        ])
    func arguments(type: String, source: String, options: [String], expected: [String]) throws {
        #expect(try program(type, options, source: source).arguments == expected)
    }

    @Test("mount.nfs does not start rpc.statd by itself, which would be the one mount's, and end with it")
    func lockServer() throws {
        let program = try program("nfs", ["vers=3"], source: "s:/").program
        #expect(program.hiddenPrograms == ["/usr/sbin/rpc.statd", "/sbin/rpc.statd"])
    }

    @Test("without the program the kernel is told the address, and the versions one after the other")
    func nfsByKernel() throws {
        let newest = try program("nfs", [], source: "[2001:db8::1]:/a")
        #expect(newest.recipe.filesystem.rawValue == "nfs")
        #expect(newest.recipe.isNamed("nfs4") && newest.recipe.isNamed("nfs") && !newest.recipe.isNamed("fuse.nfs"))
        #expect(newest.recipe.parameters == [.string("vers", "4.2")])
        #expect(
            newest.program.kernel
                == KernelMount(server: KernelMount.Server(name: "2001:db8::1", option: "addr"), versions: []))
        let any = try program("nfs", ["vers=auto", "proto=tcp6"], source: "Server:/a")
        #expect(any.recipe.parameters == [.string("proto", "tcp6")])
        #expect(any.program.kernel?.versions == ["4.2", "4.1", "4.0"])
        #expect(any.program.kernel?.server == KernelMount.Server(name: "server", option: "addr", family: .ipv6))
        #expect(try program("nfs", ["tcp"], source: "s:/").program.kernel?.server?.family == .ipv4)
        #expect(try program("nfs", ["vers=3"], source: "s:/").program.kernel == nil)
    }

    @Test("a share by the kernel has its address in 'ip', and its credentials from the file")
    func cifsByKernel() throws {
        let made = try program("cifs", ["credentials=/c"], source: "//[::1]/S")
        #expect(
            made.program.kernel
                == KernelMount(server: KernelMount.Server(name: "::1", option: "ip"), secret: .login))
        #expect(made.program.source == "//::1/s")
        #expect(made.recipe.parameters == [.file("credentials", "/c", isSecret: true)])
        #expect(!made.recipe.isNamed("nfs4"))
    }

    @Test("a file of credentials is read as mount.cifs reads it")
    func credentials() {
        func read(_ text: String) -> [String]? {
            SecretForm.login.parameters(from: Array(text.utf8))?.map { "\($0.name)=\($0.value)" }
        }
        #expect(
            read("username=bob\npassword=a b,c=d \ndomain=LAB\n")
                == ["domain=LAB", "password=a b,c=d ", "username=bob"])
        #expect(read("  user=bob\r\n\tpass=\r\n# a comment\nworkgroup=W") == ["domain=W", "password=", "username=bob"])
        #expect(read("user=bob") == ["username=bob"])
        for text in ["", "password=x", "bob", "Username=bob", "\u{0}"] { #expect(read(text) == nil, "\(text)") }
        #expect(SecretForm.login.parameters(from: [0x75, 0xFF]) == nil)
    }

    @Test("a key is read alone, or from a keyring")
    func key() {
        func read(_ text: String) -> String? { SecretForm.key.parameters(from: Array(text.utf8))?.first?.value }
        #expect(read("AQATSKdNGBnwLhAAnNDKnH65FmVKpXZJVasUeQ==\n") == "AQATSKdNGBnwLhAAnNDKnH65FmVKpXZJVasUeQ==")
        #expect(read("[client.a]\n\tkey = AQAT==\n\tcaps mon = \"allow r\"\n") == "AQAT")
        #expect(read("[client.a]\nkey=AQATS\n") == "AQATS===")
        for text in ["", "[client.a]\n", "a b", "a\nb"] { #expect(read(text) == nil, "\(text)") }
    }
}
