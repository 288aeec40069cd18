// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

extension ManagedRoot {
    /// How deep mountpoints may lie; what is deeper is not looked at.
    private static let depthLimit = 16

    /// The folders beneath the root that are prepared as mountpoints, with mode 0000, and those on which something is
    /// mounted: whether they are prepared shows when that has gone.
    ///
    /// A process that was killed while it took one over may have left it to its owner.
    ///
    /// Reads every folder of the root's own filesystem, and crosses no mount: it blocks as long as that filesystem does.
    ///
    /// - Throws: what opening or reading a folder answers.
    public func preparedFolders() throws(SystemCallError) -> [FilePath] {
        var found: [FilePath] = []
        try collectPreparedFolders(in: FilePath(""), depth: 0, into: &found)
        return found
    }

    private func collectPreparedFolders(
        in relative: FilePath, depth: Int, into found: inout [FilePath]
    ) throws(SystemCallError) {
        guard depth < Self.depthLimit else { return }
        let place = path.appending(relative.components)
        let folder = try OwnedDescriptor.openFolder(
            relative.isEmpty ? "." : relative, at: held.root.rawValue, .beneathOneMount, on: place)
        for name in try folder.names(on: place) {
            guard let component = FilePath.Component(String(decoding: name, as: UTF8.self)) else { continue }
            let child = relative.appending(component)
            do throws(SystemCallError) {
                switch try target(child).topmost() {
                case .missing: continue
                case .mount: found.append(child)
                case .folder:
                    let facts = try FileFacts(
                        of: FilePath(root: nil, [component]), in: folder, on: path.appending(child.components))
                    if facts.kind == .folder, facts.permissions == 0 {
                        found.append(child)
                    } else if facts.kind == .folder {
                        try collectPreparedFolders(in: child, depth: depth + 1, into: &found)
                    }
                }
            } catch {
                // Removed, or mounted over, since the names were read.
                guard [.noSuchFileOrDirectory, .improperLink].contains(error.errno) else { throw error }
            }
        }
    }
}
