// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI
import LinuxMount
import NIOCore

extension Caller {
    /// Who is at the other end of an accepted Unix socket, as the kernel recorded it at `connect`. Asked once a
    /// connection, before anything is read from it; on the connection's event loop. Does not block.
    static func peer(of channel: any Channel) throws -> Caller {
        let peer = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable {
            (socket: NIOBSDSocket.Handle) in try PeerCredentials.of(socket)
        }
        guard let peer else { throw ChannelError.operationUnsupported }
        return Caller(pid: peer.process, uid: peer.user, gid: peer.group)
    }

    /// Whether the caller may use the API: for now only root may.
    var mayUseAPI: Bool { uid == 0 }
}
