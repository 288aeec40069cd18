// SPDX-License-Identifier: Apache-2.0

import Foundation
import LinuxMount
import SystemPackage
import Testing

@Suite struct PeerCredentialsTests {
    @Test func `The peer of a socket pair is this process, with its groups and a descriptor of it`() throws {
        var pair: [CInt] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        try HostFixture.check(socketpair(AF_UNIX, type, 0, &pair), "socketpair")
        let first = OwnedDescriptor(owning: pair[0])
        let second = OwnedDescriptor(owning: pair[1])
        let peer = try PeerCredentials.of(first.rawValue)
        #expect(peer.process == getpid() && peer.user == geteuid() && peer.group == getegid())
        var groups = [gid_t](repeating: 0, count: 65536)
        let count = getgroups(Int32(groups.count), &groups)
        try #require(count >= 0)
        #expect(try PeerCredentials.supplementaryGroups(of: first.rawValue) == Array(groups.prefix(Int(count))))
        if let process = try PeerCredentials.processDescriptor(of: first.rawValue) {
            #expect(fcntl(process.rawValue, F_GETFD) & FD_CLOEXEC != 0)
            let information = try String(contentsOfFile: "/proc/self/fdinfo/\(process.rawValue)", encoding: .utf8)
            #expect(information.contains("Pid:\t\(getpid())\n"))
            try process.close()
        }
        try second.close()
        try first.close()
    }

    @Test func `A socket without a peer and a file that is no socket are errors`() throws {
        let lonely = OwnedDescriptor(owning: socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
        let file = OwnedDescriptor(owning: open("/dev/null", O_RDONLY | O_CLOEXEC))
        for (number, errno) in [(lonely.rawValue, Errno.socketNotConnected), (file.rawValue, .notSocket)] {
            let error = try HostFixture.systemCallError { _ = try PeerCredentials.of(number) }
            #expect(error.errno == errno)
        }
        #expect(throws: SystemCallError.self) { try PeerCredentials.supplementaryGroups(of: lonely.rawValue) }
        #expect(throws: SystemCallError.self) { _ = try PeerCredentials.processDescriptor(of: lonely.rawValue) }
        try file.close()
        try lonely.close()
    }
}
