// SPDX-License-Identifier: Apache-2.0

import Glibc
import MountModel

/// A connection to a Unix socket (`man 7 unix`) whose every wait ends with the request's deadline. Closed when dropped.
struct UnixStream: ~Copyable {
    /// Room in `sun_path` less the NUL.
    static let maximumPathLength = 107

    private let descriptor: Int32

    /// Connects; blocks until the daemon's queue has room or the deadline has passed (`man 2 connect`).
    init(connectingTo path: String, clock: borrowing RequestClock) throws(ExchangeFailure) {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .failed(systemCall: "socket", errno: errno) }
        var address = try Self.address(of: path)
        // A connect to a full queue waits in the kernel as long as SO_SNDTIMEO says (`man 7 socket`); zero is for ever.
        while let wait = clock.nextWait() {
            var timeout = timeval(tv_sec: Int(wait / 1000), tv_usec: Int(wait % 1000) * 1000)
            let size = socklen_t(MemoryLayout<timeval>.size)
            guard setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, size) == 0 else {
                throw .failed(systemCall: "setsockopt", errno: errno)
            }
            // SAFETY: `sockaddr` is how the call names any address; the length says how much is there.
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            if result == 0 { return }
            switch errno {
            case EISCONN: return
            case EAGAIN, EINTR, EINPROGRESS, EALREADY: continue
            case let code: throw .notConnected(Self.explain(code, path: path))
            }
        }
        throw .timedOut
    }

    deinit {
        // Nothing was promised about bytes that are under way: there is no one to tell of a failure.
        _ = close(descriptor)
    }

    /// Sends all bytes, unless the other side stops reading: its answer, if any, may still be read then.
    borrowing func send(_ bytes: [UInt8], clock: borrowing RequestClock) throws(ExchangeFailure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            // SAFETY: the pointer is used only within the call, with the buffer's own length.
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
            }
            if count >= 0 {
                rest = rest.dropFirst(count)
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN: try wait(for: POLLOUT, clock: clock)
            case EPIPE, ECONNRESET: return
            case let code: throw .failed(systemCall: "send", errno: code)
            }
        }
    }

    /// Receives what is there, waiting for the first byte; 0 when the other side has hung up.
    borrowing func receive(into buffer: inout [UInt8], clock: borrowing RequestClock) throws(ExchangeFailure) -> Int {
        while true {
            // SAFETY: the pointer is used only within the call, with the buffer's own length.
            let count = buffer.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT))
            }
            if count >= 0 {
                // A sender that never pauses must not outlast the deadline either.
                guard clock.remaining > .zero else { throw .timedOut }
                return count
            }
            switch errno {
            case EINTR: continue
            case EAGAIN: try wait(for: POLLIN, clock: clock)
            case ECONNRESET: return 0
            case let code: throw .failed(systemCall: "recv", errno: code)
            }
        }
    }

    private borrowing func wait(for events: Int32, clock: borrowing RequestClock) throws(ExchangeFailure) {
        while let wait = clock.nextWait() {
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let count = poll(&entry, 1, wait)
            if count > 0 { return }
            if count < 0, errno != EINTR { throw .failed(systemCall: "poll", errno: errno) }
        }
        throw .timedOut
    }

    private static func address(of path: String) throws(ExchangeFailure) -> sockaddr_un {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw .notConnected(.invalidArgument("the socket's path is empty or has a NUL"))
        }
        guard path.utf8.count <= maximumPathLength else {
            throw .notConnected(
                .invalidArgument(
                    "the socket's path is \(path.utf8.count) bytes long; at most \(maximumPathLength) are allowed",
                    hint: "reach it by a shorter path, such as a symbolic link"))
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // SAFETY: the length was checked above, and the rest of the zeroed array ends the string.
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return address
    }

    /// `man 2 connect`, as far as a Unix socket can fail.
    private static func explain(_ code: Int32, path: String) -> MountError {
        let context = MountError.Context(operation: "connect", target: path, systemCall: "connect", errno: code)
        let shown = InputText.quoted(path)
        switch code {
        case ENOENT, ECONNREFUSED:
            return MountError(
                .unavailable, "the daemon cannot be reached: nobody listens on \(shown)", context: context,
                hint: "start holdfastd, or name its socket with --socket or HOLDFAST_SOCKET")
        case EACCES, EPERM:
            return MountError(
                .permissionDenied, "cannot connect to \(shown): permission denied", context: context,
                hint: "run it as root, or as a user who may use the socket")
        default:
            return MountError(
                .unavailable, "cannot connect to \(shown): \(SystemErrorText.describe(code))", context: context,
                hint: "name the daemon's socket with --socket or HOLDFAST_SOCKET")
        }
    }
}

/// The C library's words for an errno.
enum SystemErrorText {
    /// `man 3 strerror`.
    static func describe(_ code: Int32) -> String {
        // SAFETY: glibc returns a text that lives at least until this thread's next call.
        strerror(code).map { String(cString: $0) } ?? "error \(code)"
    }
}
