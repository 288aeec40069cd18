// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

extension ManagedRoot {
    /// How deep mountpoints may lie; what is deeper is not looked at.
    private static let depthLimit = 16

    /// The folders beneath the root that are prepared as mountpoints, with mode 0000, whatever is mounted on them.
    ///
    /// A process that was killed while it took one over may have left it to its owner.
    ///
    /// Reads every folder of the root's own filesystem, and crosses no mount: it blocks as long as that filesystem
    /// does.
    ///
    /// - Throws: what opening or reading a folder answers.
    public func preparedFolders() throws(SystemCallError) -> [FilePath] {
        // Every start comes by here: a crash test that aims at a build's steps must not be content with these.
        try KernelSteps.none.bound { () throws(SystemCallError) in
            // A clone has nothing mounted beneath it, and shows what is covered in the root.
            let bare = try DetachedMount(cloning: held.root)
            var found: [FilePath] = []
            try collectPreparedFolders(in: FilePath(""), of: bare, depth: 0, into: &found)
            return found
        }
    }

    private func collectPreparedFolders(
        in relative: FilePath, of bare: borrowing DetachedMount, depth: Int, into found: inout [FilePath]
    ) throws(SystemCallError) {
        guard depth < Self.depthLimit else { return }
        let place = path.appending(relative.components)
        let folder = try OwnedDescriptor.openFolder(
            relative.isEmpty ? "." : relative, at: bare.descriptorNumber, .beneathOneMount, on: place)
        for name in try folder.names(on: place) {
            guard let component = FilePath.Component(String(decoding: name, as: UTF8.self)) else { continue }
            let child = relative.appending(component)
            do throws(SystemCallError) {
                let facts = try FileFacts(
                    of: FilePath(root: nil, [component]), in: folder, on: path.appending(child.components))
                guard facts.kind == .folder else { continue }
                if facts.permissions == 0 {
                    found.append(child)
                } else {
                    try collectPreparedFolders(in: child, of: bare, depth: depth + 1, into: &found)
                }
            } catch {
                // Removed since the names were read.
                guard error.errno == .noSuchFileOrDirectory else { throw error }
            }
        }
    }
}
