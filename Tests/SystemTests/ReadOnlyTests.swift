// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import LinuxMount
import MountTestSupport
import SystemPackage
import Testing

extension RealDaemon {
    /// A daemon that cannot write its ledger puts nothing right, not even what needs no ledger.
    @Suite struct ReadOnly {
        @Test func aMountRootThatSomebodyMadeSharedStaysShared() throws {
            try TestHost.run(start: false) { host in
                try host.mountState(size: "4m")
                try host.startDaemon()
                try host.attach("vm-1", to: "data", type: "tmpfs")
                try host.killDaemon()
                try host.remountState(readOnly: true)

                // Behind its back while it runs, and before the next one starts.
                var daemon = try host.startDaemon()
                try host.waitForState("mounted")
                try #require(mount("none", host.mountRoot, nil, UInt(MS_SHARED), nil) == 0)
                for _ in 0..<2 {
                    let lines = try daemon.logLines(with: "others have made the mount root shared", count: 1)
                    #expect(lines.allSatisfy { $0.contains("it stays so") }, "\(lines)")
                    #expect(try host.rootPropagation() == .shared)
                    try host.stopDaemon()
                    daemon = try host.startDaemon()
                    try host.waitForState("mounted")
                    #expect(try host.rootPropagation() == .shared)
                }
                try host.stopDaemon()

                try host.remountState(readOnly: false)
                try host.startDaemon()
                #expect(try host.rootPropagation() == .private)
                try host.waitForState("mounted")
                try host.detach("vm-1", from: "data")
                try host.stopDaemon()
                host.unmountState()
            }
        }

        @Test func aParkedMountStaysInItsSlotAndItsLotAsItIs() throws {
            try TestHost.run(start: false) { host in
                let parking = FilePath(host.folder + "/run/parking")
                try host.mountState(size: "4m")
                try host.startDaemon(environment: ["HOLDFAST_FAILPOINT": "slot.move_mount.after"])
                let path = try host.attach("vm-1", to: "data", type: "tmpfs").path
                #expect(throws: (any Error).self) { try host.detach("vm-1", from: "data") }
                #expect(host.daemon?.waitForEnd() == SIGKILL)
                let empty = parking.appending("1").string
                try #require(mkdir(empty, 0) == 0)
                try #require(mount("none", parking.string, nil, UInt(MS_SHARED), nil) == 0)
                try host.remountState(readOnly: true)
                let before = try MountTable(.mountinfo).entries(beneath: parking).map(\.id)
                #expect(before.count == 1)

                try host.startDaemon()
                try host.waitUntil("it has looked") { try host.state() != "recovering" }
                #expect(try MountTable(.mountinfo).entries(beneath: parking).map(\.id) == before)
                #expect(try host.mounts(at: path).isEmpty)
                #expect(try host.mounts(at: parking.string).last?.propagation == .shared)
                #expect(access(empty, F_OK) == 0)
                try host.stopDaemon()

                try host.remountState(readOnly: false)
                try host.startDaemon()
                try host.waitForState("absent")
                #expect(try MountTable(.mountinfo).entries(beneath: parking).isEmpty)
                #expect(access(empty, F_OK) != 0)
                try host.stopDaemon()
                host.unmountState()
            }
        }
    }
}

extension TestHost {
    fileprivate func rootPropagation() throws -> MountPropagation? { try mounts(at: mountRoot).last?.propagation }
}
