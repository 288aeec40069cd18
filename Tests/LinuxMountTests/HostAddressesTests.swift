// SPDX-License-Identifier: Apache-2.0

import LinuxMount
import SystemPackage
import Testing

@Suite struct HostAddressesTests {
    @Test func `an address is its own, in the family that is asked for`() throws {
        #expect(try HostAddresses.find("127.0.0.1") == ["127.0.0.1"])
        #expect(try HostAddresses.find("2001:DB8:0::1", .ipv6) == ["2001:db8::1"])
        #expect(try HostAddresses.find("localhost", .ipv4) == ["127.0.0.1"])
    }

    @Test func `what has no address is told in the resolver's words`() throws {
        for (host, family) in [("no-such-host.invalid", HostAddresses.Family.any), ("::1", .ipv4), ("", .any)] {
            let error = #expect(throws: SystemCallError.self) { try HostAddresses.find(host, family) }
            #expect(error?.call == "getaddrinfo" && error?.errno == .noRouteToHost && error?.subject == host)
            #expect(error?.kernelMessages.count == 1 && error?.kernelMessages.first?.isEmpty == false)
        }
    }
}
