// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import HoldfastAPI
import MountModel

/// `NAME=FD` or `NAME=-`: the option whose secret is read, and the descriptor from which.
struct SecretArgument {
    let name: String
    let descriptor: Int32

    /// Reads the argument, which it never repeats: it may be a secret by mistake.
    ///
    /// - Throws: `ValidationError`, which says what may stand there.
    init(_ argument: String) throws {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[0].isEmpty else {
            throw ValidationError(
                "'--secret' is written NAME=FD or NAME=-: an option's name and a descriptor's number.")
        }
        guard parts[1] == "-" || Int32(parts[1]).map({ $0 >= 0 }) == true else {
            throw ValidationError(
                """
                What follows '=' in '--secret' is no number of a descriptor, and not '-' for standard input. A secret \
                is never an argument, where everybody can read it: if this was one, take another.
                """)
        }
        name = parts[0]
        descriptor = Int32(parts[1]) ?? STDIN_FILENO
    }

    /// Reads to the end of the descriptor; blocks until it comes, or until the deadline.
    ///
    /// - Throws: `invalid_argument` for what cannot be read, and for what is no text or too long; `timed_out`.
    func read(until deadline: SuspendingClock.Instant) throws(Problem) -> Secret {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            try wait(until: deadline)
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            let code = errno
            if count < 0, code == EINTR { continue }
            if count < 0 {
                throw problem("cannot be read: \(strerror(code).map { String(cString: $0) } ?? "error \(code)")")
            }
            if count == 0 { break }
            bytes += buffer[..<count]
            if bytes.count > Secret.maximumLength { throw problem("has more than \(Secret.maximumLength) bytes") }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw problem("is no text in UTF-8") }
        return Secret(text)
    }

    private func wait(until deadline: SuspendingClock.Instant) throws(Problem) {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while true {
            let left = SuspendingClock.now.duration(to: deadline).components
            let milliseconds = max(0, min(left.seconds, 86_400) * 1000 + left.attoseconds / 1_000_000_000_000_000)
            let ready = poll(&entry, 1, Int32(milliseconds))
            // What cannot be polled is told by the read.
            if ready > 0 || (ready < 0 && errno != EINTR) { return }
            guard ready == 0, SuspendingClock.now >= deadline else { continue }
            throw Problem(
                MountError(
                    .timedOut,
                    "the secret for option '\(InputText.quoted(name))' has not come to its end on descriptor "
                        + "\(descriptor) within the request's time",
                    hint: "the attach was not begun; whoever writes the secret has to close the descriptor"))
        }
    }

    private func problem(_ what: String) -> Problem {
        Problem(
            .invalidArgument("the secret for option '\(InputText.quoted(name))', on descriptor \(descriptor), \(what)"))
    }
}
