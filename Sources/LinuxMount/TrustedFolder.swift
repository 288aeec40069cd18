// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

/// A folder at an absolute path that nobody but root and the effective user can exchange: no symbolic link on the way,
/// each folder theirs and not writable by others (or sticky, on the way).
struct TrustedFolder: ~Copyable {
    /// What is asked of a folder that is there already, and of those on the way to it.
    enum Demand {
        /// The folder is no more writable by others than those on the way; what is missing there is made with a mode.
        case place(missing: UInt32)
        /// The folder is the effective user's and grants no more than its mode; those on the way must be there.
        case secret
    }

    /// The folder that holds it.
    let parent: OwnedDescriptor
    /// Its name there.
    let name: FilePath
    /// The folder itself, or the root of what is mounted on it; `O_PATH`.
    let leaf: OwnedDescriptor

    /// Opens it, or makes it with just `mode`. One step at a time: the folder that was checked is the one that is gone
    /// on from.
    init(at path: FilePath, mode: UInt32, _ demand: Demand) throws(SystemCallError) {
        guard path.isAbsolute, let last = path.components.last, path.components.allSatisfy({ $0.kind == .regular })
        else {
            throw SystemCallError(
                "openat2", .invalidArgument, on: "\(path) (not an absolute path without . and ..)")
        }
        var walked: FilePath = "/"
        var folder = try OwnedDescriptor.openPlace(walked, at: -1, .anywhere, on: walked)
        for component in path.components.dropLast() {
            try FileFacts(of: folder, on: walked).requireTrusted(stickyIsEnough: true, on: walked)
            walked.append(component)
            let name = FilePath(root: nil, [component])
            if case .place(let mode) = demand { _ = try folder.makeFolder(name, mode: mode, for: .held, on: walked) }
            // With O_DIRECTORY: on the way, and only there, an automount is wanted.
            folder = try OwnedDescriptor.open(
                name, at: folder.rawValue, flags: hf_o_path | O_DIRECTORY, .anywhere, on: walked)
        }
        try FileFacts(of: folder, on: walked).requireTrusted(stickyIsEnough: true, on: walked)
        let name = FilePath(root: nil, [last])
        _ = try folder.makeFolder(name, mode: mode, for: .held, on: path)
        let leaf = try OwnedDescriptor.openPlace(name, at: folder.rawValue, .anywhere, on: path)
        let facts = try FileFacts(of: leaf, on: path)
        try facts.requireFolder("openat2", on: path)
        switch demand {
        case .place: try facts.requireTrusted(stickyIsEnough: false, on: path)
        case .secret: try facts.requireOwn(noMoreThan: mode, on: path)
        }
        self.name = name
        self.leaf = leaf
        parent = folder
    }
}
