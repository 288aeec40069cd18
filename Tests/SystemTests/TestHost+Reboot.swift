// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import LinuxMount
import MountTestSupport
import SystemPackage
import Testing

/// What a reboot does, without one.
extension TestHost {
    private static let bootIDFile = "/proc/sys/kernel/random/boot_id"

    /// Runs a test that reboots the host; the machine has its own boot id again afterwards.
    static func runRebooting(_ body: (TestHost) throws -> Void) throws {
        try run { host in
            defer { endBoots() }
            try body(host)
        }
    }

    /// Kills the daemon and takes away what a reboot takes away: all mounts, and what is on a tmpfs. Folders stay, with
    /// their flags, and the kernel names another boot.
    func reboot(keepingMounts: Bool = false) throws {
        try killDaemon()
        try OwnProcesses.endWorkers(at: mountRoot)
        if !keepingMounts {
            for entry in try MountTable(.mountinfo).entries(beneath: FilePath(mountRoot)).reversed() {
                try #require(umount2(try #require(entry.mountpoint).string, 0) == 0)
            }
            // The daemon's own: the parking slots and the root's bind.
            try #require(umount2(folder + "/run/parking", 0) == 0)
            try #require(umount2(mountRoot, 0) == 0)
            for name in try FileManager.default.contentsOfDirectory(atPath: folder + "/run") {
                try FileManager.default.removeItem(atPath: folder + "/run/" + name)
            }
        }
        try nameBoot(UUID().uuidString.lowercased() + "\n")
    }

    /// Has the kernel's file say this.
    func nameBoot(_ text: String) throws {
        Self.endBoots()
        let file = folder + "/boot_id"
        try text.write(toFile: file, atomically: false, encoding: .utf8)
        try #require(mount(file, Self.bootIDFile, nil, UInt(MS_BIND), nil) == 0)
    }

    private static func endBoots() {
        while umount2(bootIDFile, Int32(MNT_DETACH)) == 0 {}
    }

    /// The states of all mounts by mountpoint, once all are in one of these.
    @discardableResult
    func waitForStates(_ states: Set<String>) throws -> [String: String] {
        var found: [String: String] = [:]
        try waitUntil("all mounts are \(states)") {
            let mounts = try client.mounts().mounts.map(\.mount)
            guard mounts.allSatisfy({ states.contains($0.state) }) else { return false }
            found = Dictionary(uniqueKeysWithValues: mounts.map { ($0.mountpoint, $0.state) })
            return true
        }
        return found
    }
}
