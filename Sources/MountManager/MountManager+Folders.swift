// SPDX-License-Identifier: Apache-2.0

internal import Logging
public import MountModel

extension MountManager {
    /// Removes the mountpoint's folder; one that something is mounted on is owed, and removed when that has gone.
    func removeFolder(at mountpoint: Mountpoint) async {
        do throws(MountError) {
            try await executor.removeFolder(at: mountpoint)
            owedFolders.remove(mountpoint)
        } catch {
            owedFolders.insert(mountpoint)
            logger.warning("the mountpoint's folder stays for now: \(error)", metadata: ["mountpoint": "\(mountpoint)"])
        }
    }

    /// Removes folders of mountpoints that no record names: a crash has left them, or they were owed at the last end.
    public func removeFolders(ofNobody mountpoints: [Mountpoint]) {
        owedFolders.formUnion(mountpoints.filter { machines[$0] == nil })
        removeOwedFolders()
    }

    /// Tries the owed folders again, but for those that a machine is using: something has been unmounted.
    func removeOwedFolders() {
        departures += 1
        let candidates = owedFolders.filter { machines[$0] == nil && removals[$0] == nil }
        owedFolders.subtract(candidates)
        for mountpoint in candidates {
            removals[mountpoint] = Task {
                var attempt: UInt64
                repeat {
                    attempt = departures
                    let turn = Turn(in: .table, isAwaited: false)
                    await begins(turn)
                    await removeFolder(at: mountpoint)
                    end(turn)
                    // What was in its way may have gone just after it was tried.
                } while owedFolders.contains(mountpoint) && machines[mountpoint] == nil && attempt != departures
                removals[mountpoint] = nil
            }
        }
    }
}
