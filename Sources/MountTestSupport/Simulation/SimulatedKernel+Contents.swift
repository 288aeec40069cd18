// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// A mount as `findmnt` shows it.
public struct ListedMount: Hashable, Sendable {
    /// Its id.
    public let id: MountID
    /// The mount that it is attached to.
    public let parent: MountID
    /// Where.
    public let path: String

    /// Puts the parts together.
    public init(id: MountID, parent: MountID, path: String) {
        self.id = id
        self.parent = parent
        self.path = path
    }
}

extension SimulatedKernel {
    /// The mounts of the host's own, the managed root's and the parking lot's.
    public var ownMounts: (host: MountID, root: MountID, parking: MountID) {
        withTable { ($0.host, $0.root, $0.parking) }
    }

    /// All attached mounts but the host's own.
    public var mounts: [ListedMount] {
        withTable { table in
            table.mounts.values.compactMap { mount in
                guard let place = mount.place, let path = table.path(of: mount.id) else { return nil }
                return ListedMount(id: mount.id, parent: place.mount, path: path.description)
            }
        }
    }

    /// The folders and files beneath the managed root's folder, and which of them are closed as mountpoints.
    public var folders: [String: Bool] {
        withTable { table in
            let nodes = table.mounts[table.host].flatMap { table.filesystems[$0.filesystem]?.nodes } ?? [:]
            let beneath = nodes.filter { $0.key != table.rootPath && $0.key.starts(with: table.rootPath) }
            return Dictionary(uniqueKeysWithValues: beneath.map { ($0.key.description, $0.value.isClosed) })
        }
    }

    /// How many loop devices hold an image.
    public var loopDeviceCount: Int { withTable { $0.images.count } }

    /// What is left: mounts, folders, built mounts in hand, and what the real kernel would never have been asked. Empty
    /// when nothing has leaked and nothing was wrong.
    public var leftovers: [String] {
        let own = ownMounts
        let listed = mounts.filter { $0.id != own.root && $0.id != own.parking }
        let built = withTable { table in
            table.mounts.values.filter { $0.place == nil && $0.id != table.host }.map { "built mount \($0.id)" }
        }
        let places = Set(listed.map { "mounts at \($0.path)" })
        return (places + folders.keys.map { "folder \($0)" } + built + violations).sorted()
    }
}
