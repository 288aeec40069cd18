// SPDX-License-Identifier: Apache-2.0

/// The system calls that change mounts, their folders or loop devices, by what they are made for.
package enum KernelCall: String, Hashable, Sendable, CaseIterable {
    // A mount that nobody can see yet.
    case openContext = "build.fsopen"
    case createFilesystem = "build.fsconfig_create"
    case makeMount = "build.fsmount"
    case cloneMount = "build.open_tree"
    case setDetachedAttributes = "build.mount_setattr"
    case addLoopDevice = "build.loop_get_free"
    case configureLoopDevice = "build.loop_configure"

    // The folder, and those on the way to it.
    case makeParent = "parent.mkdir"
    case openParentUp = "parent.chmod"
    case removeParent = "parent.rmdir"
    case makeFolder = "folder.mkdir"
    case ownFolder = "folder.chown"
    case closeFolder = "folder.chmod"
    case setFolderFlags = "folder.set_flags"
    case clearFolderFlags = "folder.clear_flags"
    case removeFolder = "folder.rmdir"

    // At the place.
    case place = "place.move_mount"
    case probe = "unmount.probe"
    case expire = "unmount.expire"
    case restoreAttributes = "restore.mount_setattr"
    case reconfigure = "writable.fsconfig_reconfigure"

    // In the slot.
    case makeSlot = "slot.mkdir"
    case park = "slot.move_mount"
    case probeInSlot = "slot.probe"
    case unmountInSlot = "slot.umount"
    case removeSlot = "slot.rmdir"
    case moveBack = "back.move_mount"
    case makeLifted = "lift.mkdir"
    case lift = "lift.move_mount"
    case lower = "lower.move_mount"

    // The mount root, the parking lot, and the private folders.
    case makeHeldFolder = "held.mkdir"
    case openHeldFolderUp = "held.chmod"
    case placeHeld = "held.move_mount"
    case makeHeldPrivate = "held.make_private"
    case releaseHeld = "held.umount"
}
