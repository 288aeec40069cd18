// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage

/// Mounts in this namespace until it takes no more (`fs.mount-max`), and away again. Nobody else's namespace sees them,
/// and the limit, which is the machine's, stays as it is.
final class NamespaceFiller: Sendable {
    private let folder: String

    /// Doubles a tree of mounts by binding it into itself until that is refused, then fills up with its branches, which
    /// have 1, 2, 4… mounts.
    init() throws(Errno) {
        var template = Array("/tmp/holdfast-filler-XXXXXX".utf8CString)
        if mkdtemp(&template) == nil { throw Errno(rawValue: errno) }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try Outsider.check(mount("filler", folder, "tmpfs", 0, nil))
        var branches: [String] = []
        while true {
            let branch = "\(folder)/\(branches.count)"
            try Outsider.check(mkdir(branch, 0o755))
            guard try fits(folder, branch) else { break }
            branches.append(branch)
        }
        for branch in branches.reversed() {
            let place = branch + "-again"
            try Outsider.check(mkdir(place, 0o755))
            _ = try fits(branch, place)
        }
    }

    private func fits(_ tree: String, _ place: String) throws(Errno) -> Bool {
        do throws(Errno) {
            try Outsider.check(mount(tree, place, nil, UInt(MS_BIND | MS_REC), nil))
            return true
        } catch {
            guard error == .noSpace else { throw error }
            return false
        }
    }

    func end() throws(Errno) {
        try Outsider.check(umount2(folder, Int32(MNT_DETACH)))
        try Outsider.check(rmdir(folder))
    }
}
