// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

/// Who is at the other end of a connected Unix socket: what the kernel noted when it connected (`man 7 unix`), whatever
/// the peer says of itself.
///
/// None of these calls blocks. They take the number of a descriptor that its owner keeps open.
public struct PeerCredentials: Hashable, Sendable {
    /// The peer's process id in our process namespace, 0 if it is not in it. May have been given to another process
    /// since: for anything that must hold, use ``processDescriptor(of:)``.
    public let process: Int32
    /// Its effective user id at `connect`; 65534 for one that our user namespace does not know.
    public let user: UInt32
    /// Its effective group id at `connect`.
    public let group: UInt32

    /// Asks for `SO_PEERCRED`.
    ///
    /// - Throws: `ENOTCONN` for a socket without a peer, `ENOTSOCK` for something else.
    public static func of(_ socket: CInt) throws(SystemCallError) -> PeerCredentials {
        var peer = hf_peer()
        try SystemCallError.check(hf_peer_credentials(socket, &peer), "getsockopt", on: "SO_PEERCRED")
        // The kernel answers for an unconnected socket too, with the ids of nobody.
        guard peer.process != 0 || peer.user != .max else {
            throw SystemCallError("getsockopt", .socketNotConnected, on: "SO_PEERCRED")
        }
        return PeerCredentials(process: peer.process, user: peer.user, group: peer.group)
    }

    /// Asks for the peer's supplementary groups at `connect` (`SO_PEERGROUPS`, kernel 4.13).
    ///
    /// - Throws: `ENODATA` for a socket without a peer.
    public static func supplementaryGroups(of socket: CInt) throws(SystemCallError) -> [UInt32] {
        var groups = [UInt32](repeating: 0, count: 64)
        while true {
            var needed = 0
            let result = hf_peer_groups(socket, &groups, groups.count, &needed)
            if result == -Int(ERANGE), needed > groups.count {
                groups = [UInt32](repeating: 0, count: needed)
                continue
            }
            return Array(groups.prefix(try SystemCallError.check(result, "getsockopt", on: "SO_PEERGROUPS")))
        }
    }

    /// A process descriptor of the peer (`SO_PEERPIDFD`, kernel 6.5): it goes on meaning that process after its end,
    /// and polls readable then (`man 2 pidfd_open`).
    ///
    /// - Returns: nil if the kernel is older.
    /// - Throws: `ENODATA` for a socket without a peer, `ESRCH` or `EINVAL` for a peer that has ended (before kernel
    ///   6.16).
    public static func processDescriptor(of socket: CInt) throws(SystemCallError) -> OwnedDescriptor? {
        let result = hf_peer_process_descriptor(socket)
        if result == -ENOPROTOOPT { return nil }
        return OwnedDescriptor(owning: try SystemCallError.check(result, "getsockopt", on: "SO_PEERPIDFD"))
    }
}
