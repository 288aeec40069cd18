// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage

/// A process that stands in a folder and waits for the end of its input.
struct StandingProcess: Sendable {
    private let process: pid_t
    private let input: Int32
    private let output: Int32

    /// Returns when it stands there.
    init(in folder: String) throws(Errno) {
        let (theirInput, input) = try Self.pipe()
        let (output, theirOutput) = try Self.pipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, theirInput, 0)
        posix_spawn_file_actions_adddup2(&actions, theirOutput, 1)
        var process: pid_t = 0
        let command = ["sh", "-c", "cd \"$1\" && echo && exec cat", "sh", folder]
        let arguments = command.map { strdup($0) } + [nil]
        let refusal = posix_spawn(&process, "/bin/sh", &actions, nil, arguments, nil)
        for argument in arguments { free(argument) }
        posix_spawn_file_actions_destroy(&actions)
        for end in [theirInput, theirOutput] { close(end) }
        self.process = process
        self.input = input
        self.output = output
        var line: UInt8 = 0
        guard refusal == 0, read(output, &line, 1) == 1 else {
            for end in [input, output] { close(end) }
            throw .ioError
        }
    }

    func end() throws(Errno) {
        for end in [input, output] { try Outsider.check(close(end)) }
        try Outsider.check(waitpid(process, nil, 0))
    }

    private static func pipe() throws(Errno) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        try Outsider.check(Glibc.pipe(&ends))
        for end in ends { try Outsider.check(fcntl(end, F_SETFD, FD_CLOEXEC)) }
        return (ends[0], ends[1])
    }
}
