// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
internal import MountModel
internal import SystemPackage

extension MountError {
    /// One of Holdfast's own mounts could not be made or taken over. Where something is mounted there that makes the
    /// kernel's answer another one's, says what.
    static func covered(
        _ path: FilePath, _ name: String, by table: MountTable, failed error: SystemCallError
    ) -> MountError {
        var failure = MountError(
            .unavailable, "cannot prepare \(name) \(path): \(error)",
            context: Context(
                operation: "prepare", target: path.string, systemCall: error.call, errno: error.errno.rawValue,
                kernelMessages: error.kernelMessages))
        let mounts = (try? table.entries(at: path)) ?? []
        guard let place = error.subject, place == path.string || place.hasPrefix("\(path) "),
            let cover = mounts.last, !isOwn(cover, over: mounts.dropLast().last)
        else {
            failure.hint = needsRoot(error)
            return failure
        }
        let source = cover.source.map { " '\(InputText.quoted($0.description))'" } ?? ""
        failure.message =
            "cannot prepare \(name) \(path): \(cover.filesystemType)\(source) is mounted on it; \(error)"
        failure.hint = """
            see it with 'findmnt \(path)'; if it is not meant to be there, 'umount \(path)' and start again; a \
            filesystem that is meant to be there must belong to root and be writable by nobody else
            """
        return failure
    }

    /// Whether it looks like a mount of Holdfast's own: the parking lot, or a bind of a folder onto itself.
    private static func isOwn(_ entry: MountEntry, over below: MountEntry?) -> Bool {
        if entry.source == KernelText("holdfast-parking") { return true }
        return below.map(entry.showsSame) ?? (entry.root != "/")
    }

    /// What to do where the kernel does not permit something.
    static func needsRoot(_ error: SystemCallError) -> String? {
        // A statx that does not permit something is a refusal of Holdfast's own, which says why.
        error.call != "statx" && (error.errno == .notPermitted || error.errno == .permissionDenied)
            ? "it needs root, CAP_SYS_ADMIN and CAP_SYS_PTRACE, and folders that only root can change" : nil
    }
}
