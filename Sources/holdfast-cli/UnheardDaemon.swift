// SPDX-License-Identifier: Apache-2.0

import Glibc
import HoldfastAPI
import LinuxMount
import MountModel
import SystemPackage

/// A daemon that runs, for its lock is held, and that nobody can reach by its socket.
struct UnheardDaemon {
    private let what: String
    private let socket: String
    private static let action =
        "wait a moment: it makes its socket anew, or is starting or ending; if it stays so, restart holdfastd: mounts "
        + "stay in place"

    /// Looks for the lock beside the socket, where the runtime folder is, as a rule, and in the state folder; nil where
    /// nobody holds it, or the problem is another.
    init?(of socket: String, after problem: Problem, stateFolder: String? = nil) {
        guard problem.systemCall == "connect", problem.errno == ENOENT || problem.errno == ECONNREFUSED else {
            return nil
        }
        let folders = [FilePath(socket).removingLastComponent()] + (stateFolder.map { [FilePath($0)] } ?? [])
        // One that cannot be looked at says nothing: the caller's own problem stands.
        guard let holder = folders.lazy.compactMap({ try? FileLock.holder(at: $0.appending("holdfastd.lock")) }).first
        else { return nil }
        let shown = InputText.quoted(socket)
        what =
            "holdfastd runs (\(holder)), but "
            + (problem.errno == ENOENT ? "its socket \(shown) is gone" : "nobody listens on its socket \(shown)")
        self.socket = socket
    }

    /// For `holdfast doctor`.
    var finding: Finding {
        Finding(
            "daemon_unreachable", .error, what: what,
            why: "nothing can be attached or detached; what is attached stays so", action: Self.action)
    }

    /// For every other command.
    var problem: Problem {
        Problem(
            MountError(
                .unavailable, what, context: MountError.Context(operation: "connect", target: socket),
                hint: Self.action))
    }
}
