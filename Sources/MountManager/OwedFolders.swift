// SPDX-License-Identifier: Apache-2.0

internal import MountModel
internal import SystemPackage

/// The folders of mountpoints whose record is gone: something that is not ours is mounted on them, or they could not be
/// removed. They go when that is over.
struct OwedFolders {
    /// Each with why it was not removed at the last attempt; nil before the first.
    private var reasons: [Mountpoint: MountError?] = [:]

    var isEmpty: Bool { reasons.isEmpty }
    var count: Int { reasons.count }

    func contains(_ mountpoint: Mountpoint) -> Bool { reasons[mountpoint] != nil }

    /// It is to be removed at the next attempt.
    mutating func add(_ mountpoint: Mountpoint) {
        if !contains(mountpoint) { reasons[mountpoint] = .some(nil) }
    }

    /// It is gone, or nobody's to remove.
    mutating func remove(_ mountpoint: Mountpoint) { reasons.removeValue(forKey: mountpoint) }

    /// It could not be removed.
    ///
    /// - Returns: whether that is news: the first reason, or another one than before.
    mutating func note(_ reason: MountError, at mountpoint: Mountpoint) -> Bool {
        let before = reasons.updateValue(reason, forKey: mountpoint) ?? nil
        return before != reason
    }

    /// Those that it is worth trying to remove: nothing is mounted on them, or on the way to them.
    func uncovered(by mounts: Set<FilePath>) -> [Mountpoint] {
        reasons.keys.filter { mountpoint in
            var path = mountpoint.path
            while !mounts.contains(path) {
                guard path.removeLastComponent() else { return true }
            }
            return false
        }.sorted()
    }
}
