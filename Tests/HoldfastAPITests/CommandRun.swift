// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// One run of the built `holdfast`, as a shell would start it.
struct CommandRun {
    /// The exit status; 128 and the signal's number if it was killed.
    var status: Int32
    var output: String
    var errors: String

    /// Where a stream goes.
    enum Destination {
        case capture
        /// A terminal of its own (`man 1 script`); what it shows is in `output`, for either stream.
        case terminal
        case closed
        case file(String)
        /// A pipe that nobody reads.
        case brokenPipe
    }

    /// Runs it to its end, after the words of `prefix` (`setpriv …`).
    static func run(
        _ arguments: [String], environment: [String: String] = [:], output: Destination = .capture,
        errors: Destination = .capture, folder: String? = nil, prefix: [String] = []
    ) throws -> CommandRun {
        let scratch = try temporaryFolder()
        let captures = [scratch + "/1", scratch + "/2"]
        defer {
            for path in captures { unlink(path) }
            rmdir(scratch)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        var brokenPipe: Int32?
        defer { if let brokenPipe { close(brokenPipe) } }
        var redirections = ""
        var hasTerminal = false
        for (stream, destination) in [(Int32(1), output), (2, errors)] {
            let capture = captures[Int(stream) - 1]
            switch destination {
            case .capture:
                posix_spawn_file_actions_addopen(&actions, stream, capture, O_WRONLY | O_CREAT | O_EXCL, 0o600)
                redirections += " \(stream)>>'\(capture)'"
            case .terminal:
                hasTerminal = true
                posix_spawn_file_actions_addopen(&actions, stream, captures[0], O_WRONLY | O_CREAT, 0o600)
            case .closed:
                posix_spawn_file_actions_addclose(&actions, stream)
            case .file(let path):
                posix_spawn_file_actions_addopen(&actions, stream, path, O_WRONLY, 0)
            case .brokenPipe:
                var ends: [Int32] = [0, 0]
                guard pipe(&ends) == 0 else { throw SystemFailure("pipe") }
                close(ends[0])
                brokenPipe = ends[1]
                posix_spawn_file_actions_adddup2(&actions, ends[1], stream)
            }
        }
        // The descriptors of tests that run at the same time: a connection held here would not be seen to end.
        for descriptor in Int32(3)..<1024 { posix_spawn_file_actions_addclose(&actions, descriptor) }

        var command = prefix + [try executable()] + arguments
        if let folder { command = ["/usr/bin/env", "-C", folder] + command }
        if hasTerminal {
            // What is not for the terminal leaves it within; the exit status is passed on by `-e`.
            let line = command.map { "'\($0)'" }.joined(separator: " ") + redirections
            command = ["/usr/bin/script", "-q", "-e", "-E", "never", "-c", line, "/dev/null"]
            posix_spawn_file_actions_addopen(&actions, 1, captures[0], O_WRONLY | O_CREAT, 0o600)
        }
        let status = try spawn(command, environment: environment, actions: &actions)
        let shown = contents(captures[0]).replacingOccurrences(of: "\r\n", with: "\n")
        return CommandRun(status: status, output: shown, errors: contents(captures[1]))
    }

    /// The executable that was built beside the tests.
    static func executable() throws -> String {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("holdfast").path
    }

    private static func spawn(
        _ command: [String], environment: [String: String], actions: inout posix_spawn_file_actions_t
    ) throws -> Int32 {
        var argv = command.map { strdup($0) } + [nil]
        var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let result = posix_spawn(&pid, command[0], &actions, nil, &argv, &envp)
        guard result == 0 else {
            errno = result
            throw SystemFailure("posix_spawn \(command[0])")
        }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            guard errno == EINTR else { throw SystemFailure("waitpid") }
        }
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
    }

    private static func contents(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}
