// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxMount
import NIOConcurrencyHelpers
import SystemPackage

/// Anybody else on the host, who knows nothing of the product: the C library's calls, by path.
final class Outsider: Sendable {
    private let folder: FilePath
    private let files = NIOLockedValueBox<[String: Int32]>([:])
    private let processes = NIOLockedValueBox<[String: StandingProcess]>([:])
    private let filler = NIOLockedValueBox<NamespaceFiller?>(nil)

    init(folder: FilePath) { self.folder = folder }

    static func check(_ result: Int32) throws(Errno) { if result < 0 { throw Errno(rawValue: errno) } }

    func perform(_ act: Act) throws(Errno) {
        switch act {
        case .mount(let place): try Self.check(Glibc.mount("others", path(place), "tmpfs", 0, nil))
        case .bind(let place, let other):
            try Self.check(Glibc.mount(path(place), path(other), nil, UInt(MS_BIND), nil))
        case .unmount(let place): try Self.check(umount2(path(place), 0))
        case .unmountLazily(let place): try Self.check(umount2(path(place), Int32(MNT_DETACH)))
        case .move(let place, let other):
            try Self.check(Glibc.mount(path(place), path(other), nil, UInt(MS_MOVE), nil))
        case .remount(let place, let attributes):
            try Self.check(
                Glibc.mount(nil, path(place), nil, UInt(MS_REMOUNT | MS_BIND) | Self.flags(attributes), nil))
        case .share(let place): try Self.check(Glibc.mount(nil, path(place), nil, UInt(MS_SHARED), nil))
        case .makePrivate(let place): try Self.check(Glibc.mount(nil, path(place), nil, UInt(MS_PRIVATE), nil))
        case .open(let name, let place): try openFile(name, path(place))
        case .stand(let name, let place): try startProcess(name, in: path(place))
        case .close(let name): try close(name)
        case .makeFolder(let place): try Self.check(mkdir(path(place), 0o755))
        case .makeFile(let place):
            let file = Glibc.open(path(place), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
            try Self.check(file)
            try Self.check(Glibc.close(file))
        case .removeFolder(let place): try Self.check(rmdir(path(place)))
        case .fillNamespace:
            let filler = try NamespaceFiller()
            self.filler.withLockedValue { $0 = filler }
        case .emptyNamespace:
            let filler = filler.withLockedValue { filler in
                defer { filler = nil }
                return filler
            }
            try filler?.end()
        case .fillDisk: try limitFiles(leaving: 0)
        case .freeDisk: try limitFiles(leaving: 5000)
        }
    }

    /// Lets go of everything.
    func end() throws(Errno) {
        try perform(.emptyNamespace)
        for name in files.withLockedValue({ Array($0.keys) }) { try close(name) }
        for name in processes.withLockedValue({ Array($0.keys) }) { try close(name) }
    }

    private func path(_ relative: String) -> String { folder.string + "/" + relative }

    private static func flags(_ attributes: MountAttributes) -> UInt {
        let pairs: [(MountAttributes, Int)] = [
            (.readOnly, MS_RDONLY), (.noSetUserID, MS_NOSUID), (.noDevices, MS_NODEV), (.noExecute, MS_NOEXEC),
        ]
        return pairs.reduce(0) { attributes.contains($1.0) ? $0 | UInt($1.1) : $0 }
    }

    private func openFile(_ name: String, _ path: String) throws(Errno) {
        guard files.withLockedValue({ $0[name] }) == nil else { throw .fileExists }
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        try Self.check(file)
        files.withLockedValue { $0[name] = file }
    }

    private func startProcess(_ name: String, in path: String) throws(Errno) {
        let process = try StandingProcess(in: path)
        processes.withLockedValue { $0[name] = process }
    }

    private func close(_ name: String) throws(Errno) {
        if let file = files.withLockedValue({ $0.removeValue(forKey: name) }) { try Self.check(Glibc.close(file)) }
        try processes.withLockedValue({ $0.removeValue(forKey: name) })?.end()
    }

    /// Remounts the host's filesystem with as many inodes as it has in use, and some more.
    private func limitFiles(leaving count: UInt) throws(Errno) {
        var status = statvfs()
        try Self.check(statvfs(folder.string, &status))
        let used = UInt(status.f_files) - UInt(status.f_ffree)
        try Self.check(Glibc.mount(nil, folder.string, nil, UInt(MS_REMOUNT), "nr_inodes=\(used + count)"))
    }
}
