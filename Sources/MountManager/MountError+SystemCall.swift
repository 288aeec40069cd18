// SPDX-License-Identifier: Apache-2.0

package import Filesystems
package import LinuxMount
package import MountModel
internal import SystemPackage

extension MountError {
    /// A mount that could not be built.
    package static func mounting(
        _ source: MountSource, failed error: SystemCallError, in catalog: FilesystemCatalog
    ) -> MountError {
        let reason = error.kernelMessages.isEmpty ? "\(error.errno)" : error.kernelMessages.joined(separator: "; ")
        return MountError(
            isUnsupported(error) ? .unsupported : .mountFailed,
            "cannot mount \(source): \(subject(of: error))\(reason)",
            context: context("build", of: error, type: source.type.rawValue, source: source.source),
            hint: hint(for: error, mounting: source, catalog))
    }

    /// Another operation on a mountpoint that the kernel refused.
    package static func operation(_ verb: String, _ path: some CustomStringConvertible, failed error: SystemCallError)
        -> MountError
    {
        let code: Code
        let hint: String?
        switch error.errno {
        case .tooManySymbolicLinkLevels, .notDirectory:
            code = .invalidArgument
            hint = "no component of a mountpoint may be a symbolic link or a file"
        case .improperLink:
            code = .foreign
            hint = """
                somebody has mounted over a folder on the way: see 'findmnt --target \(path)'; it is never touched. \
                If the mount root itself was unmounted, restart holdfastd
                """
        case .resourceBusy:
            code = .foreign
            hint = """
                something that Holdfast did not mount is there: see 'findmnt \(path)'; it is never touched: unmount it \
                yourself, or choose another mountpoint
                """
        case .directoryNotEmpty:
            code = .conflict
            hint = "a mountpoint is an empty folder: move what is in it, or choose another mountpoint"
        case .noSpace, .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory:
            code = .resourceExhausted
            hint = "the host has run out of something: disk, descriptors, memory or mounts (sysctl fs.mount-max)"
        default:
            code = .mountFailed
            hint = nil
        }
        return MountError(
            code, "cannot \(verb) \(path): \(error)",
            context: context(verb, of: error, target: path.description), hint: hint)
    }

    /// The unmount found users.
    package static func busy(_ mountpoint: Mountpoint) -> MountError {
        MountError(
            .busy, "cannot unmount \(mountpoint): it is in use",
            context: Context(operation: "unmount", target: mountpoint.path.string, systemCall: "umount2", errno: 16),
            hint: "it is tried again until its users have left; see them with 'fuser -vm \(mountpoint)'")
    }

    /// The unmount found users, and those may wait for ever.
    ///
    /// - Parameter next: the rung that comes next; nil after the last one.
    static func silent(
        _ mountpoint: Mountpoint, _ silence: String, next: Int?, of ladder: UnmountLadder
    ) -> MountError {
        let hint =
            switch next.map(ladder.means) {
            case .force: "what was asked of it is made to fail now, and those who wait go on"
            case .park: "it is moved away now: its mountpoint is free then, and it ends with its users"
            case .detach: "it is detached now: its mountpoint is free then, and it ends with its users"
            case .exactly, nil:
                "is its server there? it is tried again until that is back or who waits has ended; 'when_silent' in "
                    + "[unmount] says what else may be done"
            }
        return MountError(
            .busy,
            "cannot unmount \(mountpoint): its filesystem \(silence), and is in use, if only by who waits for it",
            context: Context(operation: "unmount", target: mountpoint.path.string, systemCall: "umount2", errno: 16),
            hint: hint)
    }

    private static func context(
        _ operation: String, of error: SystemCallError, type: String? = nil, source: String? = nil,
        target: String? = nil
    ) -> Context {
        Context(
            operation: operation, type: type, source: source, target: target, systemCall: error.call,
            errno: error.errno.rawValue, kernelMessages: error.kernelMessages)
    }

    private static func subject(of error: SystemCallError) -> String {
        error.subject.map { "\(error.call) \($0): " } ?? "\(error.call): "
    }

    /// The kernel has no such filesystem, or there is nobody who could run its program.
    private static func isUnsupported(_ error: SystemCallError) -> Bool {
        lacksProcess(error) || (error.call == "fsopen" && error.errno == .operationNotSupportedByDevice)
    }

    /// A helper program can be had by a worker in a control group only.
    private static func lacksProcess(_ error: SystemCallError) -> Bool {
        error.errno == .notSupported && ["unshare", "mkdir"].contains(error.call)
    }

    private static func hint(
        for error: SystemCallError, mounting source: MountSource, _ catalog: FilesystemCatalog
    ) -> String? {
        if error.call == "posix_spawn", error.errno == .permissionDenied {
            return "whoever can write the program is root by it: see who has changed it, or install it anew"
        }
        if error.call == "posix_spawn" { return "install the program; it is looked for in the system's folders only" }
        if lacksProcess(error) {
            return "it needs a holdfast-worker (LinuxHost.Options.workerProgram), and a host with control groups "
                + "(cgroup v2): holdfastd's log says at its start what is missing"
        }
        if let hint = serverHint(for: error, mounting: source, catalog) { return hint }
        return switch error.errno {
        case .noSuchFileOrDirectory:
            "does \(error.call == "openat2" ? error.subject ?? source.source : source.source) exist on this host?"
        case .operationNotSupportedByDevice:
            "does this kernel have it? see /proc/filesystems, or 'modprobe \(module(of: error, source))'"
        case .tooManySymbolicLinkLevels:
            "no component of a path may be a symbolic link: see 'namei \(path(in: error) ?? source.source)', and name "
                + "what it leads to"
        case .fileTooLarge: "a file that is given to a program has \(HostFile.maximumSize >> 10) KiB at most"
        case .invalidArgument where error.call == "openat2": "name a regular file: no folder, device or FIFO"
        case .invalidArgument where error.kernelMessages.contains { $0.contains("duplicate UUID") }:
            "a filesystem of the same UUID is mounted: if it is a clone or a snapshot, the option 'nouuid' allows both"
        case .resourceBusy: "it is mounted or attached elsewhere: see 'findmnt' and 'losetup -a'"
        case .invalidArgument:
            "is there a filesystem of type \(source.type) on it, and is it whole? see the kernel's log"
        default: nil
        }
    }
}

extension MountError {
    /// The path that an error is about, without what is said of it.
    private static func path(in error: SystemCallError) -> String? {
        guard let subject = error.subject, subject.utf8.first == UInt8(ascii: "/") else { return nil }
        return String(subject.prefix(upTo: subject.firstRange(of: " (")?.lowerBound ?? subject.endIndex))
    }

    /// `fuse.sshfs` is a filesystem of the module fuse.
    private static func module(of error: SystemCallError, _ source: MountSource) -> String {
        String((error.subject ?? source.type.rawValue).prefix { $0 != "." })
    }

    /// What to do where it is not this host that refuses.
    private static func serverHint(
        for error: SystemCallError, mounting source: MountSource, _ catalog: FilesystemCatalog
    ) -> String? {
        guard (try? catalog.entry(source.type))?.isNetwork == true else { return nil }
        if error.call == "getaddrinfo" { return "is the host's name right, and does this host's resolver answer?" }
        guard error.call == "fsconfig", error.subject == source.source else { return nil }
        return switch error.errno {
        case .connectionRefused, .networkUnreachable, .noRouteToHost, .timedOut, .hostIsDown:
            "is the server reached from this host, and does it listen on its port?"
        case .noSuchFileOrDirectory: "does the server have it, and offer it to this host?"
        case .permissionDenied, .notPermitted:
            "does the server let this host and these credentials in?"
        case .protocolNotSupported: "the server does not speak this version: see the option 'vers'"
        default: "see the kernel's log, and the server's"
        }
    }
}

extension OperationOutcome {
    /// Something that is not ours is on top.
    static func foreign(
        _ other: KernelMountID, at mountpoint: Mountpoint, seen: MountpointState.Seen
    ) -> OperationOutcome {
        OperationOutcome(seen, problem: foreignProblem("mount \(other)", at: mountpoint.path.string))
    }

    /// Ours is there, beneath something else.
    static func covered(_ path: FilePath) -> OperationOutcome {
        OperationOutcome(.covered, problem: foreignProblem("another mount, over ours,", at: path.string))
    }

    /// Ours is still in the slot where an unmount that did not end has left it.
    static func parked(_ path: FilePath) -> OperationOutcome {
        OperationOutcome(
            .covered,
            problem: MountError(
                .foreign, "the mount of \(path) is in its parking slot: an unmount of it was cut off",
                context: MountError.Context(operation: "inspect", target: path.string),
                hint: "holdfastd puts it back as soon as it may change something"))
    }

    /// Ours is gone, or there never was one, and something else is there.
    static func foreign(_ observation: LinuxMount.Observation, at path: FilePath) -> OperationOutcome {
        let other = if case .mount(let id) = observation.top { "mount \(id)" } else { "something" }
        return OperationOutcome(.foreign, problem: foreignProblem(other, at: path.string))
    }

    /// Somebody moved ours elsewhere.
    static func moved(_ observation: LinuxMount.Observation, from path: FilePath) -> OperationOutcome {
        var place = "elsewhere"
        if case .elsewhere(let path?) = observation.ours { place = "to \(path)" }
        return OperationOutcome(
            .moved,
            problem: MountError(
                .foreign, "the mount of \(path) was moved \(place) by somebody",
                context: MountError.Context(operation: "inspect", target: path.string),
                hint:
                    "move it back with 'mount --move', or unmount it there; it is neither remounted nor unmounted by "
                    + "Holdfast"
            ))
    }

    private static func foreignProblem(_ other: String, at path: String) -> MountError {
        MountError(
            .foreign, "\(other) is at \(path) and is not Holdfast's",
            context: MountError.Context(operation: "inspect", target: path),
            hint:
                "see it with 'findmnt \(path)'; it is never touched: unmount it yourself, or choose another mountpoint")
    }
}
