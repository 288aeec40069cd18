// SPDX-License-Identifier: Apache-2.0

import MountManager
import MountModel
import MountTestSupport
import SystemPackage
import Testing

/// What the simulation claims and this host cannot be brought to show, and what it does for the tests that use it.
@Suite struct SimulationTests {
    private func world() throws -> SimulatedWorld { try SimulatedWorld(Interlude()) }

    /// Linux makes loop devices as they are asked for, up to a million: the answer is read from its driver
    /// (`loop_add`, `idr_alloc`), which no test can fill.
    @Test func `with no loop device left an image is not mounted, and is when one is free again`() async throws {
        let world = try world()
        let place = try Mountpoint("/srv/x")
        world.kernel.setLoopDeviceLimit(1)
        let first = try await world.executor.build(Source.ext4.mountSource(in: world.folder), for: place)
        let error = await #expect(throws: MountError.self) {
            try await world.executor.build(Source.squashfs.mountSource(in: world.folder), for: place)
        }
        #expect(error?.code == .mountFailed)
        #expect(error?.context.systemCall == "LOOP_CTL_GET_FREE")
        #expect(error?.context.errno == Errno.noSpace.rawValue)
        #expect(world.kernel.loopDeviceCount == 1)
        await world.executor.close(first)
        _ = try await world.executor.build(Source.squashfs.mountSource(in: world.folder), for: place)
    }

    @Test func `what the product must never ask is noted as a violation, and is left over`() async throws {
        let kernel = SimulatedKernel()
        let mountpoint = try Mountpoint("/root/data")
        _ = await kernel.place(MountID(rawValue: 7), at: mountpoint)
        #expect(kernel.violations.count == 1)
        await kernel.hold(.inspect)
        async let first = kernel.inspect(mountpoint, expecting: nil)
        await kernel.waitUntilHeld(.inspect)
        async let second = kernel.inspect(mountpoint, expecting: nil)
        await kernel.waitUntilHeld(.inspect, 2)
        await kernel.letGo(.inspect)
        _ = await (first, second)
        #expect(kernel.violations.count == 2)
        #expect(kernel.leftovers == kernel.violations.sorted())
    }

    @Test func `a source that nobody made is there and right, unless it must have been made`() async throws {
        let source = MountSource(type: FilesystemType(rawValue: "ext4"), source: "/dev/vdb", options: [])
        let place = try Mountpoint("/srv/x")
        _ = try await SimulatedKernel().build(source, for: place)
        let strict = SimulatedKernel(assumesSources: false)
        await #expect(throws: MountError.self) { try await strict.build(source, for: place) }
        try strict.makeFolder("/dev")
        try strict.makeDevice("/dev/vdb", .filesystem("ext4"))
        _ = try await strict.build(source, for: place)
    }
}
