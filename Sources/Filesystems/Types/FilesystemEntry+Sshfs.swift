// SPDX-License-Identifier: Apache-2.0

public import MountModel

extension MountSource {
    /// What shows at a terminal why the server cannot be reached, where the helper program itself does not tell; nil
    /// where it does.
    public var trialCommand: String? {
        guard type == FilesystemEntry.sshfs.type, let place = try? HostSource(source, allowsUser: true) else {
            return nil
        }
        var words = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
        for option in options {
            guard let value = option.value else { continue }
            switch option.name {
            case "port": words += ["-p", value]
            case "IdentityFile":
                // A key that came with the request is in no file.
                words += ["-i", value == FilesystemEntry.inlineValue ? "KEY-FILE" : value, "-o", "IdentitiesOnly=yes"]
            case "UserKnownHostsFile", "ConnectTimeout": words += ["-o", "\(option.name)=\(value)"]
            default: continue
            }
        }
        // The program does not see root's own.
        if !options.contains(where: { $0.name == "UserKnownHostsFile" }) {
            words += ["-o", "UserKnownHostsFile=/dev/null"]
        }
        words += ["-s", (place.user.map { "\($0)@" } ?? "") + HostSource.bare(place.host), "sftp"]
        return words.map(Self.quoted).joined(separator: " ") + " </dev/null"
    }

    /// As a shell reads one word.
    private static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { SourceGrammar.isAlphanumeric($0) || "/._-=@:+".utf8.contains($0) }
        return isPlain ? word : "'\(word.replacing("'", with: "'\\''"))'"
    }
}

extension FilesystemEntry {
    /// Files of a host over SSH (`man 1 sshfs`, `man 5 ssh_config`).
    static let sshfs = FilesystemEntry(
        type: FilesystemType(rawValue: "sshfs"),
        summary: """
            A folder of another host, over SSH. The host's key must be known: in `UserKnownHostsFile`, or in \
            `/etc/ssh/ssh_known_hosts`. Nobody is asked for a password.
            """,
        source: .onHost(user: true),
        construction: .helper(
            HelperGrammar(
                program: "sshfs", kernelType: "fuse.sshfs",
                words: [
                    // For all consumers, with the permissions that the files have, and never a question.
                    "-o", "allow_other", "-o", "default_permissions", "-o", "BatchMode=yes",
                    "-o", "StrictHostKeyChecking=yes",
                ], style: .separateOptions)),
        isNetwork: true,
        defaultOptions: [MountOption("ServerAliveInterval", "15"), MountOption("ServerAliveCountMax", "3")],
        options: CommonOptions.all + [
            OptionRule("port", .integer(1...65535), kernelDefault: "22", summary: "the server's port"),
            OptionRule("IdentityFile", .file(isSecret: true), summary: "the private key; without it the host's own"),
            OptionRule(
                "UserKnownHostsFile", .file(isSecret: false), summary: "the keys of the hosts that are trusted"),
            OptionRule("reconnect", summary: "connect again when the connection is lost"),
            OptionRule(
                "ServerAliveInterval", .integer(0...3600),
                summary: "seconds of silence after which the server is asked whether it is there; 0 is never"),
            OptionRule(
                "ServerAliveCountMax", .integer(1...1000),
                summary: "unanswered questions after which the connection is given up"),
            OptionRule("ConnectTimeout", .integer(1...3600), summary: "seconds that connecting may take"),
            OptionRule("idmap", .choice(["none", "user"]), kernelDefault: "none", summary: "whose ids are translated"),
            OptionRule("uid", .identifier, summary: "the owner of all files, whoever it is there"),
            OptionRule("gid", .identifier, summary: "the group of all files"),
            OptionRule("umask", .octal(0...0o777), summary: "permissions that are taken away from all files"),
            OptionRule("compression", .choice(["yes", "no"]), kernelDefault: "no", summary: "compress what is sent"),
            OptionRule("max_conns", .integer(1...64), kernelDefault: "1", summary: "connections at a time"),
            OptionRule("follow_symlinks", summary: "the server follows symbolic links"),
            OptionRule("disable_hardlink", summary: "hard links are refused"),
            OptionRule("direct_io", summary: "nothing is cached in the page cache"),
        ],
        refused: {
            let program = "it names a program that would run as root"
            let always = "it is always so: nobody sits at a terminal"
            return [
                RefusedOption("ssh_command", program), RefusedOption("ProxyCommand", program),
                RefusedOption("LocalCommand", program), RefusedOption("KnownHostsCommand", program),
                RefusedOption("sftp_server", "it names a program on the server"),
                RefusedOption("ssh_protocol", "there is only one left"),
                RefusedOption("password_stdin", "passwords are not taken; give a key with IdentityFile"),
                RefusedOption("allow_other", "it is always given"), RefusedOption("allow_root", "all are allowed"),
                RefusedOption("default_permissions", "it is always given"),
                RefusedOption("BatchMode", always),
                RefusedOption(
                    "StrictHostKeyChecking", "always yes: give the host's key in UserKnownHostsFile"),
                RefusedOption("Port", "it is 'port' here"),
            ]
        }())
}
