// SPDX-License-Identifier: Apache-2.0

import Glibc
import MountModel
import NIOCore
import SystemPackage

/// A listening Unix socket that has mode 0600 from the moment its name appears.
///
/// The kernel gives the new file the mode of the socket's own inode less the umask (`unix_bind_bsd` in
/// net/unix/af_unix.c), so `fchmod` before `bind` leaves no moment with looser bits, whatever the umask is. Nothing has
/// to be bound under another name and moved, and the umask, which belongs to the whole process, is not touched.
struct ListeningSocket {
    /// The bound and listening socket; whoever takes it over closes it.
    let descriptor: CInt
    /// The socket file that was made.
    let file: SocketFile

    /// Replaces the socket file of a dead daemon, binds and listens. Does not block.
    ///
    /// That the old file's daemon is dead is certain: the caller holds the daemon's lock. See `man 7 unix`,
    /// `man 2 fchmod`, `man 2 bind`.
    ///
    /// - Parameter listen: `man 2 listen`, or a test's.
    /// - Throws: `invalid_argument` for a path that is too long or relative; `conflict` where something other than a
    ///   socket has that name; `unavailable` for what the kernel refuses. The name is free then.
    init(
        at path: FilePath, backlog: CInt, listen: (CInt, CInt) -> CInt = Glibc.listen
    ) throws(MountError) {
        let address = try Self.address(of: path)
        try Self.removeStaleFile(at: path)
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        if descriptor < 0 { throw Self.failure("socket", path) }
        var isBound = false
        do throws(MountError) {
            if fchmod(descriptor, 0o600) < 0 { throw Self.failure("fchmod", path) }
            if address.withSockAddr({ bind(descriptor, $0, socklen_t($1)) }) < 0 { throw Self.failure("bind", path) }
            isBound = true
            guard let file = try SocketFile(at: path), file.permissions & ~0o600 == 0 else {
                throw MountError(
                    .unavailable, "the socket \(path) did not get mode 0600",
                    hint: "is something else changing files in its folder?")
            }
            // A umask that takes bits from the owner too; before listen(2) nobody could have connected.
            if file.permissions != 0o600, chmod(path.string, 0o600) < 0 { throw Self.failure("chmod", path) }
            if listen(descriptor, backlog) < 0 { throw Self.failure("listen", path) }
            self.descriptor = descriptor
            self.file = file
        } catch {
            close(descriptor)
            var failure = error
            if isBound {
                do throws(MountError) {
                    try Self.removeStaleFile(at: path)
                } catch {
                    failure.cleanupFailures.append(error.message)
                }
            }
            throw failure
        }
    }

    /// A successor where others have removed a socket's name, or put a socket in its place on which nobody listens;
    /// nil where it is reachable, or where something else in its place is somebody's intention. Does not block, but for
    /// the folder's filesystem.
    init?(replacing file: SocketFile, backlog: CInt) throws(MountError) {
        if let found = try SocketFile(at: file.path) {
            guard !found.isSame(as: file), found.isSocket, try Self.isDead(found.path) else { return nil }
        }
        try self.init(at: file.path, backlog: backlog)
    }

    /// Whether nobody listens on a socket file (`man 2 connect`, ECONNREFUSED).
    private static func isDead(_ path: FilePath) throws(MountError) -> Bool {
        let address = try address(of: path)
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        if descriptor < 0 { throw failure("socket", path) }
        defer { close(descriptor) }
        return address.withSockAddr({ connect(descriptor, $0, socklen_t($1)) }) < 0 && errno == ECONNREFUSED
    }

    private static func address(of path: FilePath) throws(MountError) -> SocketAddress {
        try InputText.checkAbsolutePath(path.string, as: "socket path")
        do {
            return try SocketAddress(unixDomainSocketPath: path.string)
        } catch {
            throw .invalidArgument(
                "the socket path '\(InputText.quoted(path.string))' is \(path.string.utf8.count) bytes long;"
                    + " at most 103 are allowed", hint: "choose a shorter path")
        }
    }

    private static func removeStaleFile(at path: FilePath) throws(MountError) {
        guard let old = try SocketFile(at: path) else { return }
        guard old.isSocket else {
            throw MountError(
                .conflict, "cannot listen on \(path): something that is not a socket has that name",
                context: .init(operation: "listen", target: path.string), hint: "move it away, or choose another path")
        }
        if unlink(path.string) < 0, errno != ENOENT { throw failure("unlink", path) }
    }

    static func failure(_ systemCall: String, _ path: FilePath) -> MountError {
        let number = Glibc.errno
        return MountError(
            .unavailable, "cannot listen on \(path): \(systemCall): \(Errno(rawValue: number))",
            context: .init(operation: "listen", target: path.string, systemCall: systemCall, errno: number),
            hint: number == ENOENT ? "its folder must exist" : nil)
    }
}
