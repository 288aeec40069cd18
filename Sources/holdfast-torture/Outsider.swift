// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import HoldfastAPI
internal import LinuxMount
internal import MountTestSupport
internal import SystemPackage

/// Somebody else with root's rights: mounts over mounts of ours, unmounts them, and remounts them.
struct Outsider: Sendable {
    private static let mark = "outsider"
    let world: World

    /// Disturbs, by a seed, until told to stop; what it has mounted may stay.
    func run(seed: UInt64, until stop: StopFlag) {
        var random = SeededGenerator(seed: seed)
        while !stop.isSet {
            usleep(UInt32.random(in: 1_000...20_000, using: &random))
            guard let (place, isBind) = disturbedPlaces().randomElement(using: &random) else { continue }
            switch Int.random(in: 0..<5, using: &random) {
            case 0:
                cover(place)
                usleep(UInt32.random(in: 0...20_000, using: &random))
                if Bool.random(using: &random) { uncover(place) }
            case 1: umount2(place, Int32(UMOUNT_NOFOLLOW))
            case 2: _ = mount(nil, place, nil, UInt(MS_REMOUNT | MS_BIND | MS_RDONLY), nil)
            // A bind's filesystem is the host's.
            case 3 where !isBind: _ = mount(nil, place, nil, UInt(MS_REMOUNT | MS_RDONLY), nil)
            default: uncover(place)
            }
        }
    }

    /// Where the disturbed sources are just now, and whether each is a bind.
    private func disturbedPlaces() -> [(path: String, isBind: Bool)] {
        let mounts = (try? world.client.mounts().mounts) ?? []
        return mounts.map(\.mount).filter { mount in
            world.source(of: mount).map { world.sources[$0].isDisturbed } ?? false
        }.map { ($0.mountpoint, $0.type == "bind") }
    }

    func cover(_ place: String) { _ = mount(Self.mark, place, "tmpfs", 0, "size=4k") }

    private func uncover(_ place: String) {
        guard let top = try? MountTable.current.entries(at: FilePath(place)).last, isOwn(top) else { return }
        umount2(place, Int32(UMOUNT_NOFOLLOW))
    }

    private func isOwn(_ entry: MountEntry) -> Bool { entry.source?.description == Self.mark }

    /// Takes away all that is the outsider's, wherever it was carried.
    ///
    /// - Throws: where something of it stays.
    func leave() throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            let own = try MountTable.current.entries(beneath: FilePath(world.folder)).filter(isOwn)
            if own.isEmpty { return }
            var problems: [String] = []
            for entry in own.reversed() {
                guard let place = entry.mountpoint, let top = try MountTable.current.entries(at: place).last else {
                    continue
                }
                if top.id != entry.id {
                    problems.append("\(place) is covered by mount \(top.id), \(top.filesystemType)")
                } else if umount2(place.string, Int32(UMOUNT_NOFOLLOW)) != 0 {
                    problems.append("\(place): \(String(cString: strerror(errno)))")
                }
            }
            // Whoever has a file open on one of them lets go of it soon.
            guard problems.isEmpty || ContinuousClock.now < deadline else {
                throw Complaint("an outsider's mounts cannot be unmounted: \(problems.joined(separator: "; "))")
            }
            usleep(1_000)
        }
    }
}
