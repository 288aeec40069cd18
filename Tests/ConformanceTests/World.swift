// SPDX-License-Identifier: Apache-2.0

import LinuxMount
import MountManager
import MountModel
import MountTestSupport
import SystemPackage

/// A host with a kernel under test: the product's view of it, what others may do there, and what there is to see.
///
/// Beneath its folder: `root` (the managed root), `parking`, `source` (what is mounted), `elsewhere/1` and
/// `elsewhere/2`.
protocol World: Sendable {
    /// The product's view of the kernel.
    var executor: any MountExecutor { get }
    var changes: any MountChangeSource { get }
    var folder: FilePath { get }
    /// The mounts that the host, the managed root and the parking lot are.
    var own: [MountID: String] { get }

    func perform(_ act: Act) throws(Errno)
    /// Moves a mount into its slot, as a process would that was killed before it could go on.
    func park(_ id: MountID, from mountpoint: Mountpoint) throws -> Bool

    /// What is mounted beneath the folder, with absolute paths.
    func mounts() throws -> [ListedMount]
    /// What is in the managed root's folder, whatever is mounted over it, by absolute path; true for a folder that is
    /// closed as a mountpoint.
    func folders() throws -> [String: Bool]
    /// How many loop devices hold one of the world's files. Where others list the host's loop devices an end is put off
    /// for a moment: waits for the expected number.
    func loopDevices(expected: Int?) throws -> Int
}

extension World {
    func path(_ relative: String) -> FilePath { FilePath(prefix + relative) }

    func mountpoint(_ relative: String) throws -> Mountpoint { try Mountpoint(prefix + "root/" + relative) }

    func relative(_ path: String) -> String {
        path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
    }

    private var prefix: String { folder == "/" ? "/" : folder.string + "/" }
}
