// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import LinuxMount
internal import Synchronization
internal import SystemPackage

extension Scene {
    /// Whether the daemon ends without a signal of the harness's.
    var isEndedBySelf: Bool { if case .lastStop = self { true } else { false } }

    /// What others do while the daemon is stopped.
    func act(in world: World, holding held: HeldFiles) {
        switch self {
        case .coverInSlot:
            for entry in (try? world.managedMounts()) ?? [] {
                if let place = entry.mountpoint { Outsider(world: world).cover(place.string) }
            }
        case .busyInSlot:
            let parking = FilePath(world.runtimeFolder).appending("parking")
            for entry in (try? MountTable.current.entries(beneath: parking)) ?? [] {
                if let place = entry.mountpoint { held.hold(place.string) }
            }
        case .sharedRoot: _ = mount(nil, world.mountRoot, nil, UInt(MS_SHARED), nil)
        case .load, .firstStart, .lastStop: break
        }
    }
}

/// Open folders that keep mounts busy.
final class HeldFiles: Sendable {
    private let descriptors = Mutex<[Int32]>([])

    func hold(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor >= 0 { descriptors.withLock { $0.append(descriptor) } }
    }

    func close() {
        descriptors.withLock { list in
            for descriptor in list { _ = Glibc.close(descriptor) }
            list = []
        }
    }
}
