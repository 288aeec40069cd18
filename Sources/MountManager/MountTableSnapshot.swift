// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
internal import MountModel
internal import SystemPackage

/// Where every mount was when the table was last read, for a kernel that says only that something has changed.
struct MountTableSnapshot: Sendable {
    private var places: [KernelMountID: Place] = [:]

    /// What tells that a mount is another one, or elsewhere. An id alone does not, where the kernel gives it again.
    private struct Place: Hashable, Sendable {
        let parent: KernelMountID
        let mountpoint: FilePath?
        let root: FilePath
        let device: DeviceNumber
    }

    /// Takes the table as it is now.
    ///
    /// - Returns: the mounts that came, were moved, or have gone since the last one; first those that are not where
    ///   they were, by ascending id, then those that are somewhere now. One that was moved is among both.
    mutating func replace(with entries: [MountEntry]) -> [MountChange] {
        let before = places
        places = Dictionary(minimumCapacity: entries.count)
        var changes: [MountChange] = []
        for entry in entries {
            let place = Place(
                parent: entry.parentID, mountpoint: entry.mountpoint, root: entry.root, device: entry.device)
            places[entry.id] = place
            if before[entry.id] != place { changes.append(MountChange(entry)) }
        }
        let left = before.filter { places[$0.key] != $0.value }.keys.sorted()
        return left.map { MountChange(id: MountID(rawValue: $0.rawValue)) } + changes
    }
}

extension MountChange {
    /// A mount that is attached.
    init(_ entry: MountEntry) {
        self.init(
            id: MountID(rawValue: entry.id.rawValue), parent: MountID(rawValue: entry.parentID.rawValue),
            // A path that is none of ours (a strange name, not reachable) concerns no machine.
            mountpoint: entry.mountpoint.flatMap { try? Mountpoint($0.string) })
    }
}
