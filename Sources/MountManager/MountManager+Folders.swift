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
            let isNews = owedFolders.note(error, at: mountpoint)
            logger.log(
                level: isNews ? .warning : .debug, "the mountpoint's folder stays for now: \(error)",
                metadata: ["mountpoint": "\(mountpoint)"])
        }
    }

    /// Removes folders of mountpoints that no record names: a crash has left them, or they were owed at the last end.
    public func removeFolders(ofNobody mountpoints: [Mountpoint]) {
        for mountpoint in mountpoints where machines[mountpoint] == nil { owedFolders.add(mountpoint) }
        removeOwedFolders()
    }

    /// Tries the owed folders again, all in one task: something has been unmounted.
    func removeOwedFolders() {
        departures += 1
        guard removingOwed == nil, !owedFolders.isEmpty else { return }
        removingOwed = Task { await tryOwedFolders() }
    }

    /// Removes those that nothing is mounted on and that no machine is using.
    private func tryOwedFolders() async {
        var attempt: UInt64
        repeat {
            attempt = departures
            let turn = Turn(in: .table, isAwaited: false)
            await begins(turn)
            let mounts = await executor.mountsBeneathRoot(except: Set(mountpointsByID.keys))
            for mountpoint in owedFolders.uncovered(by: Set(mounts.map(\.path))) where machines[mountpoint] == nil {
                let task = Task { await removeFolder(at: mountpoint) }
                removal = (mountpoint, task)
                await task.value
                removal = nil
            }
            end(turn)
            // What was in the way of one may have gone just after it was looked at.
        } while attempt != departures && !owedFolders.isEmpty
        removingOwed = nil
    }
}
