// SPDX-License-Identifier: Apache-2.0

import MountModel

extension FilesystemEntry {
    /// SMB 2 and 3 (`man 8 mount.cifs`).
    static let cifs = FilesystemEntry(
        type: FilesystemType(rawValue: "cifs"),
        summary: """
            A share of an SMB server: Windows, Samba and others. Where `mount.cifs` is not installed, the kernel \
            mounts it by itself.
            """,
        source: .share,
        construction: .helper(
            HelperGrammar(
                program: "mount.cifs", kernelType: "cifs", words: ["-n"], style: .mountHelper, kernel: .cifs)),
        isNetwork: true,
        options: CommonOptions.all + login + connection + ownership + [
            OptionRule("async", .flag, .nothing, groups: ["sync"], summary: "writes are buffered; the default"),
            OptionRule("sync", groups: ["sync"], summary: "every write goes to the server at once"),
            OptionRule(
                "cache", .choice(["strict", "none", "loose"]), kernelDefault: "strict",
                summary: "what is cached of files; loose can show what is not on the server any more"),
            OptionRule(
                "actimeo", .integer(0...86400), kernelDefault: "1", summary: "seconds that attributes are cached"),
            OptionRule("mfsymlinks", summary: "symbolic links are kept as files that all clients with it understand"),
            OptionRule("nobrl", summary: "locks hold on this host only"),
            OptionRule("nodfs", summary: "no other server is followed to"),
            OptionRule(
                "serverino", .flag, .nothing, groups: ["serverino"], summary: "inode numbers of the server; the default"
            ),
            OptionRule("noserverino", groups: ["serverino"], summary: "inode numbers made here"),
            OptionRule(
                "iocharset", .choice(["utf8", "iso8859-1", "iso8859-15", "cp437", "cp850"]),
                summary: "characters of names here"),
            OptionRule(
                "mapposix", .flag, .nothing, groups: ["map"],
                summary: "characters that the server forbids are translated; the default"),
            OptionRule("mapchars", groups: ["map"], summary: "the same as Services for Unix has it"),
            OptionRule("nomapposix", groups: ["map"], summary: "nothing is translated"),
        ],
        refused: {
            let file = "a credential is never among the options; give the file 'credentials'"
            let source = "it is the source's"
            return [
                RefusedOption("pass", isPrefix: true, file),
                RefusedOption("username", file), RefusedOption("user", file),
                RefusedOption("cred", "it is 'credentials'"),
                RefusedOption("ip", source), RefusedOption("addr", source), RefusedOption("unc", source),
                RefusedOption("target", source), RefusedOption("path", source), RefusedOption("prefixpath", source),
                RefusedOption("prefix", source), RefusedOption("servern", "the server is called by its name"),
                RefusedOption("srcaddr", "the routing is the host's"),
                RefusedOption("setuids", "files would get owners by whoever asks"),
                RefusedOption("sloppy", "what is not understood would be left out without a word"),
                RefusedOption("nosharesock", "it is for tests of the kernel"),
                RefusedOption("sfu", "it makes device nodes of files"),
            ]
        }(),
        check: { (given) throws(MountError) in
            if given.contains("credentials") || given.contains("guest") { return }
            if given.value(of: "sec")?.utf8.starts(with: "krb5".utf8) == true { return }
            throw .invalidArgument(
                "type 'cifs' needs option 'credentials'",
                hint: "or 'guest', or 'sec=krb5'; credentials is \(OptionValue.file(isSecret: true).expectation)")
        })

    private static let login: [OptionRule] = [
        OptionRule(
            "credentials", .file(isSecret: true), groups: ["login"],
            summary: "lines username=…, password=… and, where there is one, domain=…"),
        OptionRule("guest", groups: ["login"], summary: "without a password"),
        OptionRule("domain", .name(maximumLength: 255), summary: "the user's domain or workgroup"),
        OptionRule(
            "workgroup", .name(maximumLength: 255), .standsFor([MountOption("domain")]),
            summary: "another name of domain"),
        OptionRule(
            "sec", .choice(["ntlmssp", "ntlmsspi", "krb5", "krb5i"]),
            summary: "how the user is known to the server; the default is the kernel's"),
        OptionRule("cruid", .identifier, summary: "whose Kerberos ticket is used"),
        OptionRule("multiuser", summary: "each user of the host is himself at the server, with his own ticket"),
    ]

    private static let connection: [OptionRule] = [
        // Not 1.0: no signing worth the name, and servers have it off.
        OptionRule(
            "vers", .choice(["3.1.1", "3.0.2", "3.0", "2.1", "3"], synonyms: ["3.11": "3.1.1", "3.02": "3.0.2"]),
            summary: "the version, 3 is 3.0 or newer; the default is the newest that both speak, from 2.1"),
        OptionRule("port", .integer(1...65535), kernelDefault: "445", summary: "the server's port"),
        OptionRule("seal", summary: "everything is encrypted, or there is no mount (version 3.0)"),
        OptionRule("sign", summary: "everything is signed, or there is no mount"),
        OptionRule("rsize", .size(4096...(1 << 24)), summary: "most bytes of one read; the server may say less"),
        OptionRule("wsize", .size(4096...(1 << 24)), summary: "most bytes of one write; the server may say less"),
        OptionRule(
            "soft", .flag, .nothing, groups: ["hard"], summary: "a silent server is an error after a while; the default"
        ),
        OptionRule("hard", groups: ["hard"], summary: "a silent server is waited for"),
        OptionRule(
            "echo_interval", .integer(1...600), kernelDefault: "60",
            summary: "seconds between questions whether the server is there"),
        OptionRule("multichannel", summary: "several connections at a time"),
        OptionRule("max_channels", .integer(1...16), requires: ["multichannel"], summary: "how many"),
        OptionRule("persistenthandles", groups: ["handles"], summary: "open files outlive the server's restart"),
        OptionRule("resilienthandles", groups: ["handles"], summary: "open files outlive a lost connection"),
        OptionRule("posix", groups: ["posix"], summary: "POSIX extensions of version 3.1.1"),
        OptionRule("nounix", groups: ["posix"], summary: "no Unix extensions"),
    ]

    private static let ownership: [OptionRule] = [
        OptionRule("uid", .identifier, summary: "the owner of files where the server names none"),
        OptionRule("gid", .identifier, summary: "the group of files where the server names none"),
        OptionRule("forceuid", requires: ["uid"], summary: "the owner of all files is uid"),
        OptionRule("forcegid", requires: ["gid"], summary: "the group of all files is gid"),
        OptionRule(
            "file_mode", .octal(0...0o777), summary: "permissions of files where the server names none"),
        OptionRule(
            "dir_mode", .octal(0...0o777), summary: "permissions of folders where the server names none"),
        OptionRule(
            "perm", .flag, .nothing, groups: ["perm"], summary: "permissions are checked here, too; the default"),
        OptionRule("noperm", groups: ["perm"], summary: "permissions are checked by the server only"),
        OptionRule("cifsacl", summary: "permissions from the server's access control lists"),
        OptionRule("idsfromsid", summary: "owners from the server's security ids"),
        OptionRule("modefromsid", summary: "permissions from a security id that holds them"),
    ]
}
