// SPDX-License-Identifier: Apache-2.0

public import MountManager
internal import MountModel

extension SimulatedKernel {
    public func drain() -> MountChanges {
        withTable { table in
            guard let events = table.events.take() else { return .everything }
            let changes = events.map { event -> MountChange in
                guard event.isAttached, let place = table.mounts[event.id]?.place else {
                    return MountChange(id: event.id)
                }
                let mountpoint = table.path(of: event.id).flatMap { try? Mountpoint($0.description) }
                return MountChange(id: event.id, parent: place.mount, mountpoint: mountpoint)
            }
            return changes.isEmpty ? .none : .mounts(changes)
        }
    }

    /// Requests drain for themselves; a test that wants more calls the manager.
    public func watch(_ notify: @escaping @Sendable () async -> Void) async {}

    /// As `watch`.
    public func watchAttributes(_ look: @escaping @Sendable () async -> Bool) async {}
}
