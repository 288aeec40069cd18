// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
internal import MountModel

/// A folder as the kernel's look-up sees it: the mount that it is reached through, and its path in the filesystem.
struct SimulatedPlace: Hashable {
    var mount: MountID
    var folder: SimulatedPath
}

/// A mount, attached or in somebody's hand.
struct SimulatedMount {
    let id: MountID
    /// The superblock.
    let filesystem: Int
    /// The folder of the filesystem that is the mount's root.
    let root: SimulatedPath
    /// What it is attached to; nil while it is detached.
    var place: SimulatedPlace?
    var attributes: MountAttributes
    /// Those who have the same number send each other what is mounted beneath them; nil for a private mount.
    var peers: Int?

    var rootPlace: SimulatedPlace { SimulatedPlace(mount: id, folder: root) }
}
