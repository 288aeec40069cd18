// SPDX-License-Identifier: Apache-2.0

/// The steps of an operation that change the kernel's state, by name: between them a test may stop.
public enum OperationStep: String, Hashable, Sendable, CaseIterable {
    case build
    /// The image has its loop device.
    case loopReady = "loop_ready"
    /// The nursery is there, and nothing is mounted in it.
    case nurseryReady = "nursery_ready"
    /// The helper program has ended, and its mount is in the nursery only.
    case helperEnded = "helper_ended"
    /// The mount is nowhere but in hand.
    case handedOn = "handed_on"
    case built
    case place
    case folderReady = "folder_ready"
    case placed
    case unmount, unmounted
    case removeFolder = "remove_folder"
    case folderRemoved = "folder_removed"
}
