// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import MountTestSupport
import Testing

/// A real `sshd` on loopback with keys of its own, for one test.
final class SSHServer {
    let folder: String
    let port: UInt16
    private(set) var server: ChildServer

    /// The private key that lets one in.
    var key: String { folder + "/key" }
    /// The server's own key, as clients know it.
    var knownHosts: String { folder + "/known_hosts" }
    /// The options of an attach.
    var options: [String] { ["port=\(port)", "IdentityFile=\(key)", "UserKnownHostsFile=\(knownHosts)"] }

    /// Makes keys and starts it; what it serves is beneath the folder.
    init(in parent: String) throws {
        folder = parent + "/ssh"
        port = try ChildServer.freePort()
        for path in [folder, folder + "/files", "/run/sshd"] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        for name in ["key", "host_key"] {
            try Program.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder + "/" + name)
        }
        let hostKey = try String(contentsOfFile: folder + "/host_key.pub", encoding: .utf8)
        try "[127.0.0.1]:\(port) \(hostKey)".write(toFile: folder + "/known_hosts", atomically: true, encoding: .utf8)
        try """
        ListenAddress 127.0.0.1
        Port \(port)
        HostKey \(folder)/host_key
        AuthorizedKeysFile \(folder)/key.pub
        PidFile none
        PermitRootLogin prohibit-password
        UsePAM no
        StrictModes no
        Subsystem sftp internal-sftp

        """.write(toFile: folder + "/sshd_config", atomically: true, encoding: .utf8)
        server = try Self.start(folder, port)
    }

    deinit { server.end() }

    /// Starts it once more after its end.
    func restart() throws {
        server.end()
        server = try Self.start(folder, port)
    }

    /// The source of an attach.
    var source: String { "root@127.0.0.1:\(folder)/files" }

    private static func start(_ folder: String, _ port: UInt16) throws -> ChildServer {
        try ChildServer(
            ["/usr/sbin/sshd", "-D", "-e", "-f", folder + "/sshd_config"], port: port, log: folder + "/log")
    }
}
