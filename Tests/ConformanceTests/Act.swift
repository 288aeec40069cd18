// SPDX-License-Identifier: Apache-2.0

import LinuxMount

/// What somebody else on the host does; each is one system call. Paths are relative to the world's folder.
enum Act: Hashable, Sendable, CustomStringConvertible {
    case mount(String)
    case bind(String, to: String)
    case unmount(String)
    case unmountLazily(String)
    case move(String, to: String)
    case remount(String, MountAttributes)
    case share(String)
    case makePrivate(String)
    /// Opens a folder and keeps it open under a name.
    case open(String, at: String)
    /// A process whose working directory is there, until it is ended by `close`.
    case stand(String, at: String)
    case close(String)
    case makeFolder(String)
    case makeFile(String)
    case removeFolder(String)
    /// The namespace takes no more mounts, or as many as before.
    case fillNamespace, emptyNamespace
    /// The host's filesystem takes no more files, or as many as before.
    case fillDisk, freeDisk

    var description: String {
        switch self {
        case .mount(let path): "mount \(path)"
        case .bind(let path, let other): "bind \(path) to \(other)"
        case .unmount(let path): "umount \(path)"
        case .unmountLazily(let path): "umount --lazy \(path)"
        case .move(let path, let other): "move \(path) to \(other)"
        case .remount(let path, let attributes): "remount \(path) as '\(attributes)'"
        case .share(let path): "make \(path) shared"
        case .makePrivate(let path): "make \(path) private"
        case .open(let name, let path): "open \(path) as \(name)"
        case .stand(let name, let path): "stand in \(path) as \(name)"
        case .close(let name): "close \(name)"
        case .makeFolder(let path): "mkdir \(path)"
        case .makeFile(let path): "touch \(path)"
        case .removeFolder(let path): "rmdir \(path)"
        case .fillNamespace: "fill the namespace"
        case .emptyNamespace: "empty the namespace"
        case .fillDisk: "fill the disk"
        case .freeDisk: "free the disk"
        }
    }
}
