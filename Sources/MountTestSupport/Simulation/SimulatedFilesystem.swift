// SPDX-License-Identifier: Apache-2.0

internal import SystemPackage

/// A superblock: its folders and files, by their path in it.
struct SimulatedFilesystem {
    /// What is at a path.
    struct Node {
        var content: Content
        /// It belongs to root with mode 0000 and is immutable: a mountpoint's folder.
        var isClosed = false
    }

    /// What a node is.
    enum Content: Hashable {
        case folder
        /// A file with a filesystem of that type in it, or with nothing that is one.
        case file(SimulatedSource)
        case device(SimulatedSource)
    }

    private(set) var nodes: [SimulatedPath: Node] = [.top: Node(content: .folder)]
    /// How many more files and folders it takes.
    var room: Int?
    /// The image that it is in, and whether its loop device refuses writes.
    var image: SimulatedImage?

    subscript(_ path: SimulatedPath) -> Node? { nodes[path] }

    func isFolder(_ path: SimulatedPath) -> Bool { nodes[path]?.content == .folder }

    func isEmpty(_ path: SimulatedPath) -> Bool { !nodes.keys.contains { $0 != path && $0.starts(with: path) } }

    /// Makes a folder or file; who looked the path up has seen that its folder is there.
    mutating func make(_ path: SimulatedPath, _ content: Content, through isReadOnly: Bool) throws(Errno) {
        if nodes[path] != nil { throw .fileExists }
        if isReadOnly { throw .readOnlyFileSystem }
        if nodes[path.folder]?.isClosed == true { throw .notPermitted }
        if room == 0 { throw .noSpace }
        room = room.map { $0 - 1 }
        nodes[path] = Node(content: content)
    }

    /// Gives the folder to root, closes it and makes it immutable, or opens it again.
    mutating func setClosed(_ path: SimulatedPath, _ isClosed: Bool, through isReadOnly: Bool) throws(Errno) {
        if isReadOnly { throw .readOnlyFileSystem }
        nodes[path]?.isClosed = isClosed
    }

    /// Removes an empty folder.
    mutating func removeFolder(
        _ path: SimulatedPath, isMountpoint: Bool, through isReadOnly: Bool
    ) throws(Errno) {
        if isReadOnly { throw .readOnlyFileSystem }
        guard let node = nodes[path] else { throw .noSuchFileOrDirectory }
        if node.isClosed || nodes[path.folder]?.isClosed == true { throw .notPermitted }
        if node.content != .folder { throw .notDirectory }
        if isMountpoint { throw .resourceBusy }
        if !isEmpty(path) { throw .directoryNotEmpty }
        nodes[path] = nil
        room = room.map { $0 + 1 }
    }
}

/// What is in a file or on a device.
public enum SimulatedSource: Hashable, Sendable {
    /// A filesystem of this type, by the kernel's name.
    case filesystem(String)
    /// Nothing that a filesystem begins with.
    case garbage
}

/// A file that a loop device was made of.
struct SimulatedImage: Hashable {
    let filesystem: Int
    let path: SimulatedPath
    let isReadOnly: Bool

    /// Two devices over one file only where neither writes.
    func forbids(_ other: SimulatedImage) -> Bool {
        filesystem == other.filesystem && path == other.path && !(isReadOnly && other.isReadOnly)
    }
}
