// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import MountTestSupport
import Testing

/// A real GlusterFS server with a volume of one brick, in folders of the test's own.
///
/// The processes are the test's to end: glusterd starts others, which belong to its control group.
final class GlusterServer {
    static let address = "10.77.0.1"
    let folder: String
    private let glusterd: ChildServer
    private let mounts = ["/var/lib/glusterd", "/var/log/glusterfs", "/run/gluster"]

    /// The source of an attach.
    var source: String { "\(Self.address):/vol" }

    /// Starts it; what it serves is beneath the folder.
    init(in parent: String) throws {
        folder = parent + "/gluster"
        for (number, place) in mounts.enumerated() {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(number)", withIntermediateDirectories: true)
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
            try Program.run("mount", "--bind", "\(folder)/\(number)", place)
        }
        try FileManager.default.createDirectory(atPath: folder + "/brick", withIntermediateDirectories: true)
        // No volume is made of an address of 127/8.
        _ = try? Program.run("ip", "address", "add", "\(Self.address)/32", "dev", "lo")
        glusterd = try ChildServer(
            ["/usr/sbin/glusterd", "--no-daemon", "--log-level", "WARNING"], port: 24007, log: folder + "/log")
        try Self.gluster("volume", "create", "vol", "\(Self.address):\(folder)/brick", "force")
        try Self.gluster("volume", "start", "vol")
    }

    deinit {
        _ = try? Self.gluster("volume", "stop", "vol", "force")
        glusterd.end()
        for place in mounts.reversed() { umount2(place, Int32(MNT_DETACH)) }
        _ = try? Program.run("ip", "address", "del", "\(Self.address)/32", "dev", "lo")
    }

    @discardableResult
    private static func gluster(_ words: String...) throws -> String {
        try Program.run(["gluster", "--mode=script"] + words)
    }
}
