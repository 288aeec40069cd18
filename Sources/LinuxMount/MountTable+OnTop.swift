// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

extension MountTable {
    /// The mount that is seen at a path: on top of all that is mounted there, with no folder on the way covered. Asks
    /// the table alone, and so never waits for a filesystem on the way; reads all of it.
    ///
    /// - Returns: nil where the path is no mountpoint, or is hidden.
    /// - Throws: as `entries()`.
    public func entry(onTopAt path: FilePath) throws(SystemCallError) -> MountEntry? {
        MountTable.entry(onTopAt: path, of: try entries())
    }

    /// The same, of these entries.
    static func entry(onTopAt path: FilePath, of entries: [MountEntry]) -> MountEntry? {
        let ids = Set(entries.map(\.id))
        let isRoot = { (entry: MountEntry) in !ids.contains(entry.parentID) || entry.parentID == entry.id }
        guard let root = entries.first(where: { $0.mountpoint == "/" && isRoot($0) }) else { return nil }
        // What lies on one way only: most of a large table does not.
        let onWay = entries.filter { entry in entry.mountpoint.map(path.starts(with:)) == true && !isRoot(entry) }
        let children = Dictionary(grouping: onWay, by: \.parentID)
        var (found, place) = (root, FilePath("/"))
        func climb() {
            while let above = children[found.id]?.first(where: { $0.mountpoint == place }) { found = above }
        }
        climb()
        for component in path.components {
            place.append(component)
            climb()
        }
        return found.mountpoint == path ? found : nil
    }
}
