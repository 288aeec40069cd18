// SPDX-License-Identifier: Apache-2.0

import Glibc
import HoldfastAPI
import MountModel
import SystemPackage

/// A source as a person writes it.
enum SourceArgument {
    /// Makes a source that begins with `./` or `../` (or is `.` or `..`) absolute, links resolved, by `man 3 realpath`;
    /// every other is the daemon's to understand and stays as it is. What it leads to need not be there any more, only
    /// its folder: it may be what is to be detached. May block on a dead filesystem.
    ///
    /// - Throws: `not_found` or `invalid_argument` if such a path does not lead anywhere.
    static func absolute(_ source: String) throws(Problem) -> String {
        guard source == "." || source == ".." || source.hasPrefix("./") || source.hasPrefix("../") else {
            return source
        }
        if let resolved = resolve(source) { return resolved }
        let code = errno
        let place = FilePath(source)
        // A link that leads nowhere is not what was attached, which is where it led.
        var facts = stat()
        if code == ENOENT, lstat(source, &facts) != 0, let name = place.lastComponent, name.kind == .regular,
            let folder = resolve(place.removingLastComponent().string)
        {
            return FilePath(folder).appending(name).string
        }
        throw unresolved(source, code)
    }

    private static func resolve(_ path: String) -> String? {
        // SAFETY: realpath allocates the text; it is copied and freed here.
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func unresolved(_ source: String, _ code: Int32) -> Problem {
        let reason = strerror(code).map { String(cString: $0) } ?? "error \(code)"
        let kind: MountError.Code =
            switch code {
            case ENOENT, ENOTDIR: .notFound
            case EACCES: .permissionDenied
            default: .invalidArgument
            }
        return Problem(
            MountError(
                kind, "cannot resolve '\(InputText.quoted(source))': \(reason)",
                context: .init(source: source, systemCall: "realpath", errno: code)))
    }

    /// What a source that is attached nowhere may have been meant for: a file of that name in this folder.
    static func suggestion(for source: String) -> String? {
        guard !source.hasPrefix("/"), !source.isEmpty, access("./" + source, F_OK) == 0 else { return nil }
        return "for the file of that name in this folder, write './\(source)'"
    }
}
