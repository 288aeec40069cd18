// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import LinuxMount
internal import SystemPackage

/// A program that this process has started, in a session of its own, with an empty environment but for what is named,
/// and nothing open but what is given. For one thread at a time.
struct ChildProcess: ~Copyable, Sendable {
    /// Its process id.
    let id: CInt
    private let process: OwnedDescriptor

    /// Starts a worker with the far end of a connection as descriptor 3, and its program as 4.
    ///
    /// - Throws: EMFILE, EAGAIN, ENOEXEC… as `posix_spawn` answers.
    init(_ program: WorkerProgram, connection: borrowing OwnedDescriptor) throws(SystemCallError) {
        try self.init(
            program.path, program.arguments, program.environment, program: program.file.rawValue,
            connection: connection.rawValue, output: -1)
    }

    /// Starts it with what it writes going to a pipe.
    ///
    /// - Throws: ENOENT for a program that is not there, EMFILE, EAGAIN… as `posix_spawn` answers.
    init(
        _ path: FilePath, _ arguments: [String], environment: [String], output: borrowing OwnedDescriptor
    ) throws(SystemCallError) {
        try self.init(path, arguments, environment, program: -1, connection: -1, output: output.rawValue)
    }

    private init(
        _ path: FilePath, _ arguments: [String], _ environment: [String], program: CInt, connection: CInt,
        output: CInt
    ) throws(SystemCallError) {
        var number: CInt = -1
        let started = withTexts([path.string] + arguments) { arguments in
            withTexts(environment) { environment in
                hf_spawn(path.string, arguments, environment, program, connection, output, &number)
            }
        }
        id = try SystemCallError.check(started, "posix_spawn", on: path.string)
        process = OwnedDescriptor(owning: number)
    }

    /// Sends SIGKILL, from any thread.
    func kill() {
        // ESRCH: it has ended already.
        _ = hf_process_kill(process.rawValue)
    }

    /// Takes note of its end.
    ///
    /// - Returns: the exit status, or 128 and the signal that ended it; nil while it runs.
    /// - Throws: ECHILD if somebody else has taken note of it.
    func reap() throws(SystemCallError) -> CInt? {
        var status: CInt = 0
        return try SystemCallError.check(hf_process_reap(process.rawValue, &status), "waitid") == 1 ? status : nil
    }

    /// Waits for its end, or until a descriptor can be read.
    ///
    /// - Parameter deadline: nil for as long as it takes.
    /// - Returns: `HF_READY_FIRST` for the descriptor, `HF_READY_SECOND` for the end, both; 0 when the time has passed.
    func wait(
        until deadline: ContinuousClock.Instant?, watching descriptor: CInt? = nil
    ) throws(SystemCallError) -> CInt {
        let end = process.rawValue
        while true {
            let time = deadline.map { Self.nanoseconds(until: $0) } ?? -1
            let ready = hf_wait_for_two(descriptor ?? end, 0, end, time)
            if ready == -Errno.interrupted.rawValue { continue }
            return try SystemCallError.check(ready, "ppoll")
        }
    }

    private static func nanoseconds(until deadline: ContinuousClock.Instant) -> Int64 {
        let left = max(.zero, ContinuousClock.now.duration(to: deadline)).components
        return left.seconds * 1_000_000_000 + left.attoseconds / 1_000_000_000
    }
}

/// Lends the texts as C has them, with a null pointer at the end.
private func withTexts<Value>(_ texts: [String], _ body: ([UnsafePointer<CChar>?]) -> Value) -> Value {
    func lend(_ rest: ArraySlice<String>, _ lent: [UnsafePointer<CChar>?]) -> Value {
        guard let text = rest.first else { return body(lent + [nil]) }
        return text.withCString { lend(rest.dropFirst(), lent + [$0]) }
    }
    return lend(texts[...], [])
}
