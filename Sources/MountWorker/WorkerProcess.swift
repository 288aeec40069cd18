// SPDX-License-Identifier: Apache-2.0

internal import CLinux
package import LinuxMount
package import SystemPackage

/// A worker, as the daemon has it: a process, and the connection to it. For one thread at a time.
package final class WorkerProcess: Sendable {
    /// Its process id.
    package var id: CInt { process.id }
    private let process: ChildProcess
    let connection: PacketConnection

    /// How long a process that was killed may take to end before it counts as one that cannot be killed.
    package static let grace = Duration.seconds(2)

    /// Starts the program with an empty environment, a session of its own, and nothing open but its end of the
    /// connection.
    ///
    /// - Throws: EMFILE, EAGAIN, ENOEXEC… as `posix_spawn` answers.
    package init(_ program: WorkerProgram) throws(SystemCallError) {
        let ends = try PacketConnection.pair()
        process = try ChildProcess(program, connection: ends.far)
        connection = ends.near
    }

    /// What a call came to.
    package enum Outcome: ~Copyable {
        /// The answer, and the descriptor that came with it.
        case answered(WorkerReply, descriptor: OwnedDescriptor?)
        /// The order did not reach it: it had ended before. The descriptor is back.
        case unheard(OwnedDescriptor?)
        /// The order could not be sent; the worker has not heard of it, and is as it was.
        case refused(SystemCallError)
        /// The process ended by itself, or says what makes no sense; it is of no further use.
        case ended
        /// There is no answer yet.
        case late
    }

    /// Sends the order and waits for its answer. Blocks the thread until the deadline at most.
    ///
    /// - Parameters:
    ///   - given: is the worker's alone from the sending on.
    ///   - interrupt: one that was killed by it and does not end is waited for no longer than twice its grace.
    package func call(
        _ order: WorkerOrder, with given: consuming OwnedDescriptor?, until deadline: ContinuousClock.Instant,
        interrupt: OperationInterrupt? = nil
    ) -> Outcome {
        var descriptor = given
        do throws(SystemCallError) {
            if let number = descriptor?.rawValue {
                try connection.send(WorkerOrder(.hold, lock: nil), with: number)
            } else {
                try connection.send(order)
            }
        } catch {
            switch error.errno {
            case .brokenPipe, .connectionReset: return .unheard(descriptor)
            default: return .refused(error)
            }
        }
        do throws(SystemCallError) {
            // What is on its way holds the mount: this close is not its last.
            if let carried = descriptor.take() {
                try carried.close()
                try connection.send(order)
            }
            let ready = try wait(until: deadline, interrupt)
            if ready == 0 { return .late }
            // An answer that was sent before the end counts.
            guard ready & HF_READY_FIRST != 0, var received = try connection.receive(WorkerReply.self) else {
                return .ended
            }
            let carried = received.descriptor.take()
            return .answered(received.value, descriptor: carried)
        } catch {
            return .ended
        }
    }

    /// Waits for the answer or the end; 0 where neither has come.
    private func wait(
        until deadline: ContinuousClock.Instant, _ interrupt: OperationInterrupt?
    ) throws(SystemCallError) -> CInt {
        while true {
            let isInterrupted = interrupt?.isRaised == true
            let pause = interrupt == nil ? deadline : min(deadline, .now + Self.grace)
            let ready = try process.wait(until: pause, watching: connection.number)
            if ready != 0 || isInterrupted || .now >= deadline { return ready }
        }
    }

    /// Sends SIGKILL and waits for the end, for the grace at most.
    ///
    /// - Returns: whether it has ended.
    package func kill() -> Bool {
        sendKill()
        return hasEnded(by: .now + Self.grace)
    }

    /// Sends SIGKILL, from any thread; a call that is under way has `ended` then.
    package func sendKill() {
        process.kill()
    }

    /// Returns when it has ended, however long that takes.
    package func waitForEnd() {
        while !hasEnded(by: .now + .seconds(3600)) {}
    }

    /// Whether it has ended; takes note of its end.
    package var hasEnded: Bool { hasEnded(by: .now) }

    private func hasEnded(by deadline: ContinuousClock.Instant) -> Bool {
        do throws(SystemCallError) {
            repeat {
                if try process.reap() != nil { return true }
            } while try process.wait(until: deadline) != 0
            return false
        } catch {
            // ECHILD: somebody else has taken note of it.
            return true
        }
    }
}

/// The program that workers run, held open: an upgrade that puts another one in its place is for the daemon that comes
/// with it, which speaks with it in its own way.
package final class WorkerProgram: Sendable {
    /// Where it was found.
    let path: FilePath
    let file: OwnedDescriptor
    let arguments: [String]
    let environment: [String]

    /// Opens the program.
    ///
    /// - Parameters:
    ///   - path: an absolute path.
    ///   - arguments: what it is told: where it works.
    ///   - environment: all of its environment, `NAME=value` each.
    /// - Throws: ENOENT, EACCES… as `open` answers.
    package init(path: FilePath, arguments: [String], environment: [String] = []) throws(SystemCallError) {
        let opened = path.withPlatformString { hf_open_program($0) }
        file = OwnedDescriptor(owning: try SystemCallError.check(opened, "open", on: path.string))
        self.path = path
        self.arguments = arguments
        self.environment = environment
    }
}
