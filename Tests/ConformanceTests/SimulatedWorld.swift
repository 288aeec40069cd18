// SPDX-License-Identifier: Apache-2.0

import LinuxMount
import MountManager
import MountModel
import MountTestSupport
import SystemPackage

/// The simulation as a world.
struct SimulatedWorld: World {
    let kernel: SimulatedKernel
    let folder: FilePath = "/"
    var executor: any MountExecutor { kernel }
    var changes: any MountChangeSource { kernel }
    let own: [MountID: String]

    init(_ interlude: Interlude) throws {
        kernel = SimulatedKernel(root: "/root", parking: "/parking", assumesSources: false, steps: interlude.steps)
        let mounts = kernel.ownMounts
        own = [mounts.host: "host", mounts.root: "root", mounts.parking: "parking"]
        for name in ["source", "elsewhere", "elsewhere/1", "elsewhere/2"] { try kernel.makeFolder(path(name)) }
        for file in Source.files { try kernel.makeFile(path("source/" + file.name), file.content) }
    }

    func perform(_ act: Act) throws(Errno) {
        switch act {
        case .mount(let place): try kernel.mountTmpfs(at: path(place))
        case .bind(let place, let other): try kernel.bind(path(place), to: path(other))
        case .unmount(let place): try kernel.unmount(path(place), isLazy: false)
        case .unmountLazily(let place): try kernel.unmount(path(place), isLazy: true)
        case .move(let place, let other): try kernel.move(path(place), to: path(other))
        case .remount(let place, let attributes): try kernel.remount(path(place), attributes)
        case .share(let place): try kernel.setShared(path(place), true)
        case .makePrivate(let place): try kernel.setShared(path(place), false)
        case .open(let name, let place), .stand(let name, let place): try kernel.openFile(name, at: path(place))
        case .close(let name): kernel.closeFile(name)
        case .makeFolder(let place): try kernel.makeFolder(path(place))
        case .makeFile(let place): try kernel.makeFile(path(place))
        case .removeFolder(let place): try kernel.removeFolder(path(place))
        case .fillNamespace: kernel.setMountsLeft(0)
        case .emptyNamespace: kernel.setMountsLeft(nil)
        case .fillDisk: kernel.setRoomOnHost(0)
        case .freeDisk: kernel.setRoomOnHost(nil)
        }
    }

    func park(_ id: MountID, from mountpoint: Mountpoint) throws(SystemCallError) -> Bool {
        try kernel.park(id, from: mountpoint)
    }

    func mounts() -> [ListedMount] { kernel.mounts }

    func folders() -> [String: Bool] { kernel.folders }

    func loopDevices(expected: Int?) -> Int { kernel.loopDeviceCount }
}
