// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Glibc
internal import LinuxMount

/// The mount namespace that tests of the real kernel need: what they mount, the machine must not see.
public enum PrivateNamespace {
    /// Why tests that mount must not run here.
    public struct Missing: Error, CustomStringConvertible {
        public let description =
            "these tests mount and need root in a private mount namespace: run 'make test', or "
            + "'scripts/in-private-namespace swift test'"
    }

    /// Makes sure that this process is root's and does not share its mount namespace with process 1.
    ///
    /// Ids in mountinfo are unique among all namespaces at one moment, so two tables of the same namespace share theirs
    /// and two of different ones share none. (The link `/proc/1/ns/mnt` cannot be read everywhere.) Does not block.
    ///
    /// - Throws: `Missing`, or why the tables cannot be read.
    public static func require() throws {
        let own = try mounts(ofProcess: "self")
        let machine = try mounts(ofProcess: "1")
        guard geteuid() == 0, !own.isEmpty, !machine.isEmpty, own.isDisjoint(with: machine) else { throw Missing() }
    }

    private static func mounts(ofProcess process: String) throws -> Set<KernelMountID> {
        let table = try Data(contentsOf: URL(filePath: "/proc/\(process)/mountinfo"))
        return Set(try MountInfo.parse(table).map(\.id))
    }
}
