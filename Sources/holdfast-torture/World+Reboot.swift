// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import LinuxMount
internal import MountTestSupport
internal import SystemPackage

/// What a reboot does, without one. The kernel names another boot in this mount namespace only.
extension World {
    private static let bootIDFile = "/proc/sys/kernel/random/boot_id"

    /// Takes away all mounts of a daemon that is dead, and what is in its runtime folder; mountpoints stay, with their
    /// flags.
    ///
    /// - Throws: what is still there.
    func reboot() throws {
        try OwnProcesses.endWorkers(at: mountRoot)
        let places = try MountTable.current.entries(beneath: FilePath(folder)).compactMap(\.mountpoint)
        let own = [FilePath(mountRoot), FilePath(runtimeFolder)]
        for place in places.reversed() where own.contains(where: place.starts(with:)) {
            try require(umount2(place.string, Int32(UMOUNT_NOFOLLOW)) == 0, "umount \(place)")
        }
        try require(rmdir(runtimeFolder + "/parking") == 0 || errno == ENOENT, "rmdir \(runtimeFolder)/parking")
        // A daemon that was killed early has not made it.
        if FileManager.default.fileExists(atPath: runtimeFolder) {
            for name in try FileManager.default.contentsOfDirectory(atPath: runtimeFolder) {
                try require(unlink(runtimeFolder + "/" + name) == 0, "unlink \(runtimeFolder)/\(name)")
            }
        }
        endBoots()
        let file = folder + "/boot_id"
        try Data((UUID().uuidString.lowercased() + "\n").utf8).write(to: URL(fileURLWithPath: file))
        try require(mount(file, Self.bootIDFile, nil, UInt(MS_BIND), nil) == 0, "mount \(Self.bootIDFile)")
    }

    /// Gives the machine its own boot id again.
    func endBoots() {
        while umount2(Self.bootIDFile, Int32(MNT_DETACH)) == 0 {}
    }
}
