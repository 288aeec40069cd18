// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
public import MountModel

extension LinuxExecutor {
    public func orphans(among mountpoints: Set<Mountpoint>) async -> Set<Mountpoint> {
        let result = await onThread(of: .table) { self.orphansNow(among: mountpoints) }
        // Nothing can be begun there either.
        return (try? result.get()) ?? []
    }

    private func orphansNow(among mountpoints: Set<Mountpoint>) -> Set<Mountpoint> {
        do throws(SystemCallError) {
            var found: Set<Mountpoint> = []
            guard try locks?.isAnyHeld() == true else { return [] }
            for mountpoint in mountpoints where try locks?.isHeld(Identifier.lock(of: mountpoint)) == true {
                found.insert(mountpoint)
            }
            return found
        } catch {
            // Where it cannot be told, the worker that is asked next still waits for the lock.
            return []
        }
    }
}
