// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import MountModel

extension MountManager {
    /// Between two looks: the kernel tells nobody that a lock is free, but who waits for it on a thread of his own.
    private static let orphanPause = Duration.milliseconds(100)

    /// Looks until none of them acts any more; each mountpoint goes on when its own has ended.
    func watchOrphans(_ orphaned: Set<Mountpoint>) {
        if orphaned.isEmpty { return }
        for mountpoint in orphaned.sorted() {
            logger.warning(
                "a worker of the daemon before still acts here: the mountpoint waits for its end",
                metadata: ["mountpoint": "\(mountpoint)"])
        }
        Task {
            var left = orphaned
            while !left.isEmpty, !isStopping, await Deadline.passes(after: Self.orphanPause) {
                let still = await executor.orphans(among: left)
                if isStopping { return }
                for mountpoint in left.subtracting(still) {
                    logger.notice("that worker has ended", metadata: ["mountpoint": "\(mountpoint)"])
                    guard let machine = machines[mountpoint] else { continue }
                    feed(.operationEnded(.unknown), to: machine)
                }
                left = still
            }
        }
    }
}
