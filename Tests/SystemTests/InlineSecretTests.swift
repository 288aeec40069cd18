// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import LinuxMount
import MountModel
import MountTestSupport
import Testing

extension RealDaemon {
    /// Secrets that come with the request, by the command line and by the API, against real servers.
    @Suite struct InlineSecrets {
        @Test func aKeyForTheRequestAloneIsNowhereToBeRead() throws {
            try TestHost.run(start: false) { host in
                try host.startDaemon(arguments: ["--log-level", "trace"])
                let server = try SSHServer(in: host.folder)
                let (key, lines) = try server.keyText()
                server.server.freeze()
                let command = try AttachCommand(
                    host, server.source, "--type", "sshfs", "-o", server.optionsWithoutKey.joined(separator: ","),
                    secret: "IdentityFile", in: server.key)
                // The worker, sshfs and ssh.
                try host.waitUntil("the program runs") { try host.helpers().count >= 3 }
                let processes = [command.process.processIdentifier]
                #expect(try host.places(of: lines, and: processes) == [])
                #expect(try host.places(of: ["IdentityFile=/root/IdentityFile"], and: processes) == ["cmdline"])
                #expect(try host.places(of: ["IdentityFile=7"], and: processes) == ["cmdline"])
                server.server.thaw()
                let path = try command.path()
                #expect(path.hasPrefix(host.mountRoot))
                let secrets = ["IdentityFile": Secret(key)]
                let options = server.optionsWithoutKey
                let second = try host.attach("vm-2", to: server.source, options: options, secrets: secrets)
                #expect(second.path == path && second.mount.options.contains("IdentityFile=inline"))
                #expect(try host.managedMounts().map(\.filesystemType) == ["fuse.sshfs"])

                try Program.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host.folder + "/other")
                let other = try String(contentsOfFile: host.folder + "/other", encoding: .utf8)
                let conflict = try host.attachProblem(
                    "vm-3", to: server.source, options: options, secrets: ["IdentityFile": Secret(other)])
                #expect(conflict?.code == "conflict" && conflict?.detail.contains("another secret") == true)
                let persistent = try host.attachProblem(
                    "vm-3", to: server.source, options: options, secrets: secrets, lease: "persistent")
                #expect(persistent?.code == "invalid_argument" && persistent?.hint?.contains("0600") == true)
                let otherLines = other.split(separator: "\n").map(String.init).filter { !$0.contains("-----") }
                for problem in [conflict, persistent] {
                    let said = String(decoding: try JSONEncoder().encode(problem), as: UTF8.self)
                    #expect(!(lines + otherLines).contains(where: said.contains))
                }
                for words in [
                    ["list"], ["list", "--attachments"], ["show", path], ["status"], ["verify"], ["doctor"],
                ] {
                    let said = try Program.run(
                        [host.command.path] + words + ["--socket", host.folder + "/run/holdfast.sock"])
                    #expect(!lines.contains(where: said.contains), "\(words)")
                }
                #expect(try host.places(of: lines + otherLines) == [])
                let known = try host.places(of: ["IdentityFile", "inline"])
                #expect(known.contains("mounts") && known.contains { $0.hasPrefix("state/ledger.sqlite") })
                for consumer in ["vm-1", "vm-2"] { try host.detach(consumer, from: server.source) }
                try host.expectNoHelpers()
                #expect(try host.places(of: lines + otherLines) == [])
            }
        }

        @Test func aMountIsLostWithItsProcessAndStaysThroughARestart() throws {
            try TestHost.run { host in
                let server = try SSHServer(in: host.folder)
                let (key, lines) = try server.keyText()
                let secrets = ["IdentityFile": Secret(key)]
                func attach() throws -> AttachResponse {
                    try host.attach(
                        "vm-1", to: server.source, type: "sshfs", options: server.optionsWithoutKey, secrets: secrets)
                }
                let path = try attach().path
                for process in try host.helpers() { kill(process, SIGKILL) }
                try host.waitForState("lost")
                let problem = try #require(try host.client.mounts().mounts.first?.mount.problem)
                #expect(problem.detail.contains("is not kept"), "\(problem.detail)")
                #expect(try host.managedMounts().isEmpty)
                #expect(try attach().created == false)
                try "hello".write(toFile: path + "/file", atomically: false, encoding: .utf8)
                try host.killDaemon()
                try host.startDaemon()
                #expect(try host.state() == "mounted")
                #expect(try String(contentsOfFile: path + "/file", encoding: .utf8) == "hello")
                #expect(try host.client.verify().mounts.map(\.result) == ["ok"])
                let refused = try host.attachProblem(
                    "vm-1", to: server.source, type: "sshfs", options: server.optionsWithoutKey, secrets: secrets)
                #expect(refused?.code == "conflict" && refused?.hint?.contains("detach") == true)
                try host.detach("vm-1", from: server.source)
                #expect(try attach().created)
                #expect(try host.places(of: lines) == [])
                try host.detach("vm-1", from: server.source)
                try host.expectNoHelpers()
            }
        }

        @Test func aBucketsKeyIsNowhereToBeReadWhileItMounts() throws {
            try TestHost.run { host in
                let server = try S3Server(in: host.folder)
                let options = server.options.filter { !$0.hasPrefix("passwd_file") }
                let command = try AttachCommand(
                    host, "data", "--type", "s3fs", "-o", options.joined(separator: ","), secret: "passwd_file",
                    in: server.keyFile)
                var found: Set<String> = []
                repeat {
                    found.formUnion(try host.places(of: [server.key], and: [command.process.processIdentifier]))
                } while command.process.isRunning
                #expect(found == [])
                let path = try command.path()
                try "hello".write(toFile: path + "/file", atomically: false, encoding: .utf8)
                #expect(try host.managedMounts().map(\.filesystemType) == ["fuse.s3fs"])
                #expect(try host.places(of: [server.key]) == [])
                try host.detach("vm-1", from: "data")
                try host.expectNoHelpers()
            }
        }

        @Test func aWebDAVPasswordLetsOneInAndAWrongOneIsNotShown() throws {
            try TestHost.run { host in
                let server = try WebDAVServer(in: host.folder)
                let source = "http://127.0.0.1:\(server.port)/data"
                func secrets(_ password: String) -> [String: Secret] {
                    ["secrets": Secret("\(source) bob \(password)")]
                }
                let wrong = "wrong-\(UUID().uuidString)"
                let problem = try #require(
                    try host.attachProblem("vm-1", to: source, type: "davfs", secrets: secrets(wrong)))
                #expect(problem.code == "mount_failed" && problem.detail.contains("mount.davfs"), "\(problem.detail)")
                #expect(!String(decoding: try JSONEncoder().encode(problem), as: UTF8.self).contains(wrong))
                try "hello".write(toFile: server.folder + "/files/data/file", atomically: false, encoding: .utf8)
                let path = try host.attach("vm-1", to: source, type: "davfs", secrets: secrets(server.password)).path
                #expect(try String(contentsOfFile: path + "/file", encoding: .utf8) == "hello")
                #expect(try host.places(of: [wrong, server.password]) == [])
                try host.detach("vm-1", from: source)
                try host.expectNoHelpers()
            }
        }
    }
}

/// A `holdfast attach` for the consumer `vm-1` that reads a secret from a file's descriptor.
private final class AttachCommand {
    let process = Process()
    private let output = Pipe()

    init(_ host: TestHost, _ arguments: String..., secret option: String, in file: String) throws {
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments =
            ["-c", #"file=$1; shift; exec "$@" 7<"$file""#, "sh", file, host.command.path, "attach"] + arguments
            + ["--consumer", "vm-1", "--secret", "\(option)=7", "--socket", host.folder + "/run/holdfast.sock"]
        process.environment = [:]
        process.standardOutput = output
        process.standardError = output
        try process.run()
    }

    /// Waits for its end, and what it printed.
    func path() throws -> String {
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(text)")
        return text.trimmingCharacters(in: .newlines)
    }
}

extension SSHServer {
    fileprivate var optionsWithoutKey: [String] { options.filter { !$0.hasPrefix("IdentityFile") } }

    /// The private key, and the lines that nobody may see.
    fileprivate func keyText() throws -> (key: String, lines: [String]) {
        let text = try String(contentsOfFile: key, encoding: .utf8)
        let lines = text.split(separator: "\n").filter { !$0.contains("-----") }.map(String.init)
        try #require(lines.count > 3)
        return (text, lines)
    }
}
