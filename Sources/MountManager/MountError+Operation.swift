// SPDX-License-Identifier: Apache-2.0

package import Filesystems
internal import LinuxMount
package import MountModel
package import MountWorker

extension MountError {
    /// A mount that could not be built.
    package static func mounting(
        _ source: MountSource, failed failure: OperationFailure, in catalog: FilesystemCatalog
    ) -> MountError {
        switch failure {
        case .refused(let error): return mounting(source, failed: error, in: catalog)
        case .ownFolder(let shown):
            return MountError(
                .invalidArgument, "cannot mount \(source): \(shown)",
                context: Context(operation: "build", type: source.type.rawValue, source: source.source),
                hint: """
                    a consumer must not see, or write to, what Holdfast keeps: name a folder that has neither the \
                    state folder, the runtime folder nor the mount root in it, or move those ('holdfastd run --help')
                    """)
        case .helper(let failure): return mounting(source, failed: failure)
        case .cacheInUse(let processes):
            return cacheInUse(by: processes, source)
        case .late, .stuck, .ended, .tooManyStuck:
            let context = Context(operation: "build", type: source.type.rawValue, source: source.source)
            return unanswered("mount \(source)", failure, context)
        }
    }

    private static func cacheInUse(by processes: [Int32], _ source: MountSource) -> MountError {
        var (holder, hint) = ("", "it ends when what was written is at the server: is that reached?")
        if !processes.isEmpty {
            holder = " (process \(processes.map(String.init).joined(separator: ", ")))"
            hint +=
                " to end it by hand ('kill \(processes.map(String.init).joined(separator: " "))') loses nothing that "
            hint += "is in its cache"
        }
        return MountError(
            .busy,
            "cannot mount \(source): the program of an earlier mount here\(holder) still has its cache; two would "
                + "damage it",
            context: Context(operation: "build", type: source.type.rawValue, source: source.source), hint: hint)
    }

    /// Another operation that has no answer.
    package static func operation(
        _ verb: String, _ path: some CustomStringConvertible, failed failure: OperationFailure
    ) -> MountError {
        switch failure {
        case .refused(let error): return operation(verb, path, failed: error)
        // Nothing but a build answers the last three.
        case .late, .stuck, .ended, .tooManyStuck, .ownFolder, .helper, .cacheInUse:
            return unanswered("\(verb) \(path)", failure, Context(operation: verb, target: path.description))
        }
    }

    /// A helper program that did not mount.
    private static func mounting(_ source: MountSource, failed failure: HelperFailure) -> MountError {
        let end =
            switch failure.status {
            case 0: "it says that it has mounted, and nothing is mounted"
            case 1...128: "it ended with status \(failure.status)"
            default: "it was ended by signal \(failure.status - 128)"
            }
        var words = failure.output.isEmpty ? end : "\(failure.output.joined(separator: "; ")) (\(end))"
        if !words.hasPrefix("\(failure.program): ") { words = "\(failure.program): \(words)" }
        return MountError(
            .mountFailed, "cannot mount \(source): \(words)",
            context: Context(operation: "build", type: source.type.rawValue, source: source.source),
            hint: hint(for: failure, mounting: source))
    }

    private static func hint(for failure: HelperFailure, mounting source: MountSource) -> String {
        if failure.output.contains(where: { $0.contains("rpc.statd") }) {
            return """
                start rpc.statd on this host ('systemctl start rpc-statd'; it needs rpcbind), or give the option \
                nolock: locks hold on this host only then
                """
        }
        return "is the server reached, and are the credentials right? "
            + (source.trialCommand.map { "ssh itself says it to root at a terminal: \($0)" }
                ?? "the words are \(failure.program)'s own")
    }

    private static func unanswered(_ what: String, _ failure: OperationFailure, _ context: Context) -> MountError {
        if case .tooManyStuck(let count) = failure {
            return MountError(
                .resourceExhausted, "cannot \(what): \(count) workers wait in the kernel, and no signal ends them",
                context: context,
                hint: """
                    they end with what they wait for: see which mounts are 'stuck' or 'unresponsive' ('holdfast \
                    list'), bring their servers back, or detach them
                    """)
        }
        let limit: Duration? =
            switch failure {
            case .late(let limit): limit
            case .stuck(let worker): worker.limit
            case .refused, .ended, .tooManyStuck, .ownFolder, .helper, .cacheInUse: nil
            }
        if let limit {
            return MountError(
                .timedOut, "cannot \(what): it took longer than \(limit.formattedSeconds); its worker was killed",
                context: context, hint: "is its server there? if it is only slow: operation_deadline_seconds")
        }
        return MountError(
            .unavailable, "cannot \(what): its worker ended in the middle of it", context: context,
            hint: """
                try again; if it happens again: was it killed for want of memory (see the kernel's log), and is the \
                program that the setting 'worker' names whole, and of the same build?
                """)
    }
}

extension Duration {
    /// `60 s`, `0.3 s`.
    var formattedSeconds: String {
        let milliseconds = components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
        let (whole, rest) = milliseconds.quotientAndRemainder(dividingBy: 1000)
        return rest == 0 ? "\(whole) s" : "\(Double(milliseconds) / 1000) s"
    }
}
