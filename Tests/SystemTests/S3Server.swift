// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import MountTestSupport
import Testing

/// A real server that speaks S3, moto's, on loopback; it believes every key.
final class S3Server {
    let port: UInt16
    let key = "secret-\(UUID().uuidString)"
    let keyFile: String
    private let server: ChildServer

    /// What the attaches are given.
    var options: [String] {
        ["passwd_file=\(keyFile)", "url=http://127.0.0.1:\(port)", "use_path_request_style", "retries=1"]
    }

    /// Starts it, with one bucket, `data`.
    init(in folder: String) throws {
        let program = "/opt/holdfast-tests/moto/bin/moto_server"
        try #require(access(program, X_OK) == 0, "\(program) is not there: run scripts/install-packages")
        port = try ChildServer.freePort()
        server = try ChildServer([program, "-H", "127.0.0.1", "-p", "\(port)"], port: port, log: folder + "/moto.log")
        keyFile = folder + "/passwd-s3fs"
        try "access:\(key)\n".write(toFile: keyFile, atomically: false, encoding: .utf8)
        try #require(chmod(keyFile, 0o600) == 0)
        try Program.run("curl", "--silent", "--fail", "-X", "PUT", "http://127.0.0.1:\(port)/data")
    }

    deinit { server.end() }
}
