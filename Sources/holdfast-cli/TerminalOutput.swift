// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Standard output or standard error: whole texts by `write(2)`, and what a text for it may look like.
struct TerminalOutput: Sendable {
    /// Which of the two.
    enum Stream: Int32, Sendable {
        case standardOutput = 1
        case standardError = 2
    }

    /// Why a text could not be written.
    struct WriteFailure: Error, CustomStringConvertible {
        var code: Int32
        /// Whether the other end of a pipe is closed (`man 2 write`, EPIPE).
        var readerIsGone: Bool { code == EPIPE }
        // SAFETY: glibc returns a text that lives at least until this thread's next call.
        var description: String { strerror(code).map { String(cString: $0) } ?? "error \(code)" }
    }

    /// How text for it is marked up.
    let style: TextStyle
    private let descriptor: Int32

    init(_ stream: Stream) {
        descriptor = stream.rawValue
        let isTerminal = isatty(stream.rawValue) == 1
        style = TextStyle(
            isTerminal: isTerminal,
            isColoured: isTerminal
                && TextStyle.allowsColour(
                    noColor: Environment.value(of: "NO_COLOR"), term: Environment.value(of: "TERM"))
        )
    }

    /// Writes all of it; blocks until the reader has taken it.
    func write(_ text: String) throws(WriteFailure) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            // SAFETY: the pointer is used only within the call, with the buffer's own length.
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                guard poll(&entry, 1, -1) >= 0 || errno == EINTR else { throw WriteFailure(code: errno) }
            } else if errno != EINTR {
                throw WriteFailure(code: errno)
            }
        }
    }
}
