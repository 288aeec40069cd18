// SPDX-License-Identifier: Apache-2.0

import Foundation
import MountTestSupport
import Testing

/// A real WebDAV server on loopback, rclone's own, with a password that nobody else has.
final class WebDAVServer {
    let folder: String
    let port: UInt16
    let password = "pass-\(UUID().uuidString)"
    private(set) var server: ChildServer

    /// Starts it; what it serves is beneath the folder.
    init(in parent: String) throws {
        folder = parent + "/dav"
        port = try ChildServer.freePort()
        try FileManager.default.createDirectory(atPath: folder + "/files/data", withIntermediateDirectories: true)
        server = try ChildServer(
            [
                "/usr/bin/rclone", "serve", "webdav", "--addr", "127.0.0.1:\(port)", "--user", "bob", "--pass",
                password,
                "--config", "/dev/null", folder + "/files",
            ], port: port, log: folder + "/log")
    }

    deinit { server.end() }

    /// The source of an attach.
    let source = "store:data"

    /// A configuration file with a password in it, and what stands there for it.
    func configuration(_ name: String, password: String) throws -> (path: String, obscured: String) {
        let obscured = try Program.run("rclone", "--config", "/dev/null", "obscure", password)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        let path = "\(folder)/\(name)"
        try """
        [store]
        type = webdav
        url = http://127.0.0.1:\(port)
        vendor = other
        user = bob
        pass = \(obscured)

        """.write(toFile: path, atomically: false, encoding: .utf8)
        try #require(chmod(path, 0o600) == 0)
        return (path, obscured)
    }
}
