// SPDX-License-Identifier: Apache-2.0

public import Foundation
internal import Glibc

/// A server that a test starts on loopback: a process in a session of its own, with all that it forks.
public final class ChildServer {
    /// A server that does not run, or does not listen.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    /// Its process, and the process group of all that it forks.
    public let pid: pid_t
    private let logPath: String

    /// Starts it and waits until its port takes connections.
    ///
    /// - Parameter log: a file that takes what it writes.
    /// - Throws: why it could not be started, or what it said before it ended.
    public init(_ command: [String], port: UInt16, log: String) throws {
        logPath = log
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var words = command.map { strdup($0) } + [nil]
        var variables = [strdup("PATH=/usr/sbin:/usr/bin:/sbin:/bin"), strdup("HOME=/nonexistent"), nil]
        defer { for text in words + variables { free(text) } }
        var pid: pid_t = 0
        let result = posix_spawn(&pid, command[0], &actions, &attributes, &words, &variables)
        guard result == 0 else {
            throw Failure(description: "cannot start \(command[0]): \(String(cString: strerror(result)))")
        }
        self.pid = pid
        let deadline = ContinuousClock.now + .seconds(30)
        while !Self.listens(on: port) {
            var status: CInt = 0
            guard waitpid(pid, &status, WNOHANG) == 0, ContinuousClock.now < deadline else {
                throw Failure(description: "\(command[0]) does not listen: \(said)")
            }
            usleep(10_000)
        }
    }

    /// What it has written.
    public var said: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

    /// Freezes it and all that it has forked: connections stay, and nothing is answered.
    public func freeze() { signal(SIGSTOP) }

    /// Lets it go on.
    public func thaw() { signal(SIGCONT) }

    /// Also those that have made a session of their own.
    private func signal(_ number: CInt) {
        var family = [pid]
        var index = 0
        while index < family.count {
            family += (try? OwnProcesses.children(of: family[index])) ?? []
            index += 1
        }
        for process in family { kill(process, number) }
    }

    /// Ends it and all that it has forked, frozen or not, and waits for its end.
    public func end() {
        signal(SIGKILL)
        kill(-pid, SIGKILL)
        var status: CInt = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    }

    /// A port of loopback that nobody listens on now.
    public static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, length) == 0 && getsockname(descriptor, pointer, &length) == 0
            }
        }
        guard bound else { throw Failure(description: "bind: \(String(cString: strerror(errno)))") }
        return UInt16(bigEndian: address.sin_port)
    }

    private static func listens(on port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = loopback(port)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }
}
