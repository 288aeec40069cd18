// SPDX-License-Identifier: Apache-2.0

import MountModel
import SystemPackage

extension FilesystemEntry {
    /// NFS (`man 5 nfs`).
    ///
    /// A mount is `hard`, as the kernel has it: what is written to a server that is away for a while is not lost, and
    /// nothing here waits for it but processes that can be killed. The version is 4.2 and no other, so that a server
    /// that was changed, or somebody in between, cannot have an older one spoken unnoticed.
    static let nfs = FilesystemEntry(
        type: FilesystemType(rawValue: "nfs"),
        summary: """
            A folder that a server exports, over NFS 4.2, or the version that `vers` names. Version 3 needs the \
            program `mount.nfs`; where it is not installed, the kernel mounts the others by itself.
            """,
        source: .onHost(user: false),
        construction: .helper(
            HelperGrammar(
                program: "mount.nfs", kernelType: "nfs",
                // Not into /etc/mtab; and how long it is tried is the request's to say.
                words: ["-n", "-o", "retry=0"], style: .mountHelper, kernel: .nfs,
                // The locks of all mounts of version 3 need the one rpc.statd: it is the host's, not the first mount's.
                hiddenPrograms: ["/usr/sbin/rpc.statd", "/sbin/rpc.statd"])),
        isNetwork: true, defaultOptions: [MountOption("vers", "4.2")],
        options: CommonOptions.all + protocolOptions + patience + caching + ofVersion3 + [
            OptionRule("async", .flag, .nothing, groups: ["sync"], summary: "writes are buffered; the default"),
            OptionRule("sync", groups: ["sync"], summary: "every write goes to the server at once"),
            OptionRule(
                "sec", .choice(["sys", "krb5", "krb5i", "krb5p"]),
                summary: "how users are known to the server; the default is what the server offers"),
            OptionRule("xprtsec", .choice(["none", "tls", "mtls"]), summary: "TLS beneath (kernel 6.5, tlshd)"),
        ],
        refused: [
            RefusedOption("addr", "it is what the source's host is"),
            RefusedOption("clientaddr", "the kernel finds it out"),
            RefusedOption("mountaddr", "it is the source's host"), RefusedOption("mounthost", "it is the source's"),
            RefusedOption("bg", "an attach is answered when the mount is there, and what is lost is mounted again"),
            RefusedOption("fg", "it is always so"),
            RefusedOption("retry", "it is always 0: the request says how long it waits"),
            RefusedOption("minorversion", "write vers=4.1"),
            RefusedOption("sloppy", "what is not understood would be left out without a word"),
            RefusedOption("nosharecache", "two caches of one file would differ"),
            RefusedOption("udp", "data would be damaged on a fast network (man 5 nfs)"),
            RefusedOption("fsc", "its cache of files on disk would be shared by all consumers of the host"),
        ],
        check: { (given) throws(MountError) in
            let version = given.value(of: "vers") ?? "4.2"
            if version == "3" || version == anyVersion { return }
            for rule in ofVersion3 where rule.effect == .superblock && given.contains(rule.name) {
                throw .invalidArgument(
                    "option '\(rule.name)' has no meaning with vers=\(version)", hint: "give vers=3 with it, or neither"
                )
            }
        },
        saysNothing: { option, given in
            // Version 3 asks the server for its port.
            option == MountOption("port", "2049") && !["3", anyVersion].contains(given.value(of: "vers"))
        })

    /// The version that leaves the choice to server and kernel.
    static let anyVersion = "auto"

    private static let protocolOptions: [OptionRule] = [
        OptionRule(
            "vers", .choice(["4.2", "4.1", "4.0", "3", anyVersion]), openValue: anyVersion,
            summary: "the version; auto is the newest that the server speaks: 4.2, 4.1, 4.0 or 3"),
        OptionRule(
            "nfsvers", .choice(["4.2", "4.1", "4.0", "3"]), .standsFor([MountOption("vers")]),
            summary: "another name of vers"),
        OptionRule(
            "proto", .choice(["tcp", "tcp6", "rdma", "rdma6"]),
            summary: "the transport; with tcp the server has an IPv4 address, with tcp6 an IPv6 address"),
        OptionRule("tcp", .flag, .standsFor([MountOption("proto", "tcp")]), summary: "another name of proto=tcp"),
        OptionRule("rdma", .flag, .standsFor([MountOption("proto", "rdma")]), summary: "another name of proto=rdma"),
        OptionRule(
            "port", .integer(1...65535), summary: "the server's port; 2049, and for version 3 what the server says"),
        OptionRule("nconnect", .integer(1...16), kernelDefault: "1", summary: "connections at a time"),
        OptionRule(
            "resvport", .flag, .nothing, groups: ["resvport"], summary: "from a port that is root's; the default"),
        OptionRule("noresvport", groups: ["resvport"], summary: "from any port"),
        OptionRule("rsize", .size(1024...(1 << 20)), summary: "most bytes of one read; the server may say less"),
        OptionRule("wsize", .size(1024...(1 << 20)), summary: "most bytes of one write; the server may say less"),
        OptionRule("migration", groups: ["migration"], summary: "the server may move the filesystem elsewhere"),
        OptionRule("nomigration", .flag, .nothing, groups: ["migration"], summary: "not migration; the default"),
    ]

    private static let patience: [OptionRule] = [
        OptionRule(
            "hard", .flag, .nothing, groups: ["hard"], summary: "a silent server is waited for; the default"),
        OptionRule("soft", groups: ["hard"], summary: "a silent server is an error after a while: writes can be lost"),
        OptionRule("softerr", groups: ["hard"], summary: "as soft, with the error ETIMEDOUT (kernel 5.1)"),
        OptionRule("timeo", .integer(1...6000), summary: "tenths of a second before a request is sent again"),
        OptionRule("retrans", .integer(0...100), summary: "how often before the server counts as silent"),
        OptionRule("intr", .flag, .nothing, summary: "no meaning since kernel 2.6.25"),
        OptionRule("nointr", .flag, .nothing, summary: "no meaning since kernel 2.6.25"),
    ]

    private static let caching: [OptionRule] = [
        OptionRule(
            "acregmin", .integer(0...86400), kernelDefault: "3",
            summary: "least seconds that files' attributes are cached"),
        OptionRule(
            "acregmax", .integer(0...86400), kernelDefault: "60",
            summary: "most seconds that files' attributes are cached"),
        OptionRule(
            "acdirmin", .integer(0...86400), kernelDefault: "30",
            summary: "least seconds that folders' attributes are cached"),
        OptionRule(
            "acdirmax", .integer(0...86400), kernelDefault: "60",
            summary: "most seconds that folders' attributes are cached"),
        OptionRule("actimeo", .integer(0...86400), summary: "all four of them"),
        OptionRule("ac", .flag, .nothing, groups: ["ac"], summary: "attributes are cached; the default"),
        OptionRule("noac", groups: ["ac"], summary: "no attributes are cached, and every write goes to the server"),
        OptionRule(
            "cto", .flag, .nothing, groups: ["cto"],
            summary: "a file is looked up afresh when it is opened; the default"),
        OptionRule("nocto", groups: ["cto"], summary: "not cto"),
        OptionRule(
            "lookupcache", .choice(["all", "positive", "none"], synonyms: ["pos": "positive"]), kernelDefault: "all",
            summary: "which look-ups are cached"),
    ]

    private static let ofVersion3: [OptionRule] = [
        OptionRule("lock", .flag, .nothing, groups: ["lock"], summary: "locks hold for all clients; the default"),
        OptionRule(
            "nolock", groups: ["lock"], summary: "version 3: locks hold on this host only, and need no rpc.statd"),
        OptionRule(
            "local_lock", .choice(["none", "flock", "posix", "all"]),
            summary: "version 3: which locks hold on this host only"),
        OptionRule("mountport", .integer(1...65535), summary: "version 3: the port of the server's mountd"),
        OptionRule("mountproto", .choice(["tcp", "tcp6"]), summary: "version 3: the transport to the server's mountd"),
        OptionRule("acl", .flag, .nothing, groups: ["acl"], summary: "access control lists; the default"),
        OptionRule("noacl", groups: ["acl"], summary: "version 3: no access control lists"),
        OptionRule(
            "rdirplus", .flag, .nothing, groups: ["rdirplus"], summary: "folders come with attributes; the default"),
        OptionRule("nordirplus", groups: ["rdirplus"], summary: "folders come without attributes"),
    ]
}
