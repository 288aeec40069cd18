// SPDX-License-Identifier: Apache-2.0

internal import Logging
public import MountModel
internal import SystemPackage

extension MountManager {
    /// The mounts beneath the mount root that belong to no mountpoint's record: somebody else's, or ours of a ledger
    /// that is gone. Sorted by path.
    ///
    /// What is mounted inside a mount, or over one, is not among them: it is somebody's own, or a mountpoint is
    /// `foreign`. None are found where the executor does not answer within a second: where all threads hang in the
    /// kernel, the mounts that are known are worth more than an answer that never comes.
    public func unrecordedMounts() async -> [UnrecordedMount] {
        await unrecordedLooks.value(within: .seconds(1)) { await self.findUnrecordedMounts() } ?? []
    }

    private func findUnrecordedMounts() async -> [UnrecordedMount] {
        takeChanges()
        let known = Set(mountpointsByID.keys)
        let before = Set(machines.keys.map(\.path))
        let found = await executor.mountsBeneathRoot(except: known)
        // What has come or gone meanwhile is accounted for on one of the two sides.
        let places = before.union(machines.keys.map(\.path))
        return found.filter { mountpointsByID[$0.id] == nil && !places.contains($0.path) }.sorted {
            $0.path.string < $1.path.string
        }
    }

    /// Refuses to say that an attachment is not there, where nothing can be changed: it may come back with the ledger.
    ///
    /// - Throws: `unavailable`, with why that is so.
    public nonisolated func checkIsWritable(for subject: String) throws(MountError) {
        guard let reason = configuration.readOnlyReason else { return }
        throw reason.refusal(subject, context: MountError.Context(operation: "detach"))
    }

    /// Names them in the log.
    func logUnrecordedMounts() async {
        for mount in await unrecordedMounts() {
            logger.warning(
                "a mount beneath the mount root is in no record, and stays as it is",
                metadata: [
                    "mountpoint": "\(mount.path)", "mount": "\(mount.id)", "type": "\(mount.type)",
                    "source": "\(InputText.quoted(mount.source))",
                ])
        }
    }
}
