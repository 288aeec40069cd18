// SPDX-License-Identifier: Apache-2.0

import Glibc
import HoldfastAPI
import NIOCore

extension Caller {
    /// Who is at the other end of an accepted Unix socket, as the kernel recorded it at `connect` (`man 7 unix`,
    /// SO_PEERCRED). Asked once a connection, before anything is read from it. Does not block.
    static func peer(of channel: any Channel) -> EventLoopFuture<Caller> {
        guard let socket = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
        }
        // SAFETY: the kernel fills the whole of struct ucred, three 32-bit numbers, which is what Credentials is.
        let credentials: EventLoopFuture<Credentials> = socket.unsafeGetSocketOption(
            level: .socket, name: .init(rawValue: SO_PEERCRED))
        return credentials.map { Caller(pid: $0.pid, uid: $0.uid, gid: $0.gid) }
    }

    /// Whether the caller may use the API: for now only root may.
    var mayUseAPI: Bool { uid == 0 }
}

/// `struct ucred`, which glibc shows only with `_GNU_SOURCE`.
private struct Credentials: Sendable {
    var pid: Int32 = 0
    var uid: UInt32 = 0
    var gid: UInt32 = 0
}
