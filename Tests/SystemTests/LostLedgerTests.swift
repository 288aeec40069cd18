// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import MountTestSupport
import SystemPackage
import Testing

extension RealDaemon {
    /// The ledger is taken from under a daemon that runs, or there is no room for one.
    @Suite struct LostLedgers {
        @Test(arguments: ["", "-wal"])
        func aLedgerThatIsRemovedStopsAllAcknowledgementsAndIsSaved(suffix: String) throws {
            try TestHost.run { host in
                let first = try host.attach("vm-1", to: "data", type: "tmpfs", lease: "persistent")
                #expect(try host.probe("/readyz").status == "200")
                try #require(unlink(host.ledger + suffix) == 0)
                let refusal = try #require(try host.attachProblem("vm-2", to: "data", type: "tmpfs"))
                #expect(refusal.code == "unavailable")
                #expect(refusal.detail.contains(host.ledger + suffix))
                #expect(try host.attachProblem("vm-2", to: "other", type: "tmpfs")?.code == "unavailable")
                #expect(try host.detachProblem("vm-1", from: "data")?.code == "unavailable")
                #expect(try host.managedMounts().count == 1)

                let copy = host.folder + "/run/ledger-saved-1.sqlite"
                try host.waitUntil("it is not ready any more") { try host.probe("/readyz").status == "503" }
                #expect(try host.client.status().readOnly?.detail.contains(host.ledger + suffix) == true)
                let findings = try host.client.doctor().findings
                let finding = try #require(findings.first { $0.code == "ledger_lost" })
                #expect(finding.severity == "error" && finding.action.contains(copy))
                #expect(host.daemon?.log.contains(copy) == true)

                // Its end says it again, and what it advises helps.
                let daemon = try #require(host.daemon)
                daemon.signal(SIGTERM)
                #expect(try daemon.exitStatus() == 70)
                #expect(daemon.log.contains("hint: put the same files back"))
                for old in ["", "-wal"] where access(host.ledger + old, F_OK) == 0 {
                    try #require(unlink(host.ledger + old) == 0)
                }
                // Without it nothing is begun that would take the mount for a stranger's.
                try host.startDaemon()
                #expect(try host.client.status().readOnly?.detail.contains(copy) == true)
                #expect(try host.findings().contains("ledger_unreadable"))
                #expect(try host.ledgerFiles().isEmpty)
                try host.stopDaemon()
                try FileManager.default.copyItem(atPath: copy, toPath: host.ledger)
                try host.startDaemon()
                try host.waitForState("mounted")
                let found = try host.client.attachments().attachments
                #expect(found.map(\.id) == [first.attachment.id] && found.map(\.lease) == ["persistent"])
                #expect(try host.kernelIDs(at: first.path) == [try #require(first.mount.kernelMountID)])
                try host.detach("vm-1", from: "data")
            }
        }

        @Test func aStateFilesystemThatGoesIsNoticedWithoutARequestAndItsReturnToo() throws {
            try TestHost.run(start: false) { host in
                try host.mountState(size: "4m")
                try host.startDaemon()
                try host.attach("vm-1", to: "data", type: "tmpfs")
                let kept = host.folder + "/kept"
                try #require(mkdir(kept, 0o700) == 0)
                try #require(mount(host.stateFolder, kept, nil, UInt(MS_BIND), nil) == 0)
                try #require(umount2(host.stateFolder, Int32(MNT_DETACH)) == 0)
                try host.waitUntil("it is not ready any more") { try host.probe("/readyz").status == "503" }
                #expect(try host.findings().contains("ledger_lost"))
                #expect(try host.attachProblem("vm-2", to: "data", type: "tmpfs")?.code == "unavailable")
                // What needs no change is answered still.
                #expect(try host.attach("vm-1", to: "data", type: "tmpfs").created == false)

                try #require(mount(kept, host.stateFolder, nil, UInt(MS_BIND), nil) == 0)
                try #require(umount2(kept, 0) == 0)
                try host.waitUntil("it is ready again") { try host.probe("/readyz").status == "200" }
                #expect(try !host.findings().contains("ledger_lost"))
                try host.attach("vm-2", to: "data", type: "tmpfs")
                try host.killDaemon()
                try host.startDaemon()
                #expect(try host.client.attachments().attachments.map(\.consumer) == ["vm-1", "vm-2"])
                try host.waitForState("mounted")
                try host.detach("vm-1", from: "data")
                try host.detach("vm-2", from: "data")
                try host.stopDaemon()
                host.unmountState()
            }
        }

        @Test func aFirstStartOnAFullDiskGoesOnWhenThereIsRoom() throws {
            try TestHost.run(start: false) { host in
                try host.mountState(size: "512k")
                try host.fillState()
                try host.startDaemon()
                #expect(try host.client.status().readOnly == nil)
                for _ in 0..<2 {
                    let refusal = try #require(try host.attachProblem("vm-1", to: "data", type: "tmpfs"))
                    #expect(refusal.code == "resource_exhausted")
                    #expect(refusal.hint?.contains("free space") == true)
                }
                let ledger = try host.client.doctor().findings.filter { $0.code.contains("state") }
                #expect(ledger.map(\.code) == ["state_disk_full"])
                #expect(try !host.findings().contains { $0.hasPrefix("ledger") })
                host.freeState()
                try host.attach("vm-1", to: "data", type: "tmpfs")
                try host.killDaemon()
                try host.startDaemon()
                #expect(try host.client.attachments().attachments.map(\.consumer) == ["vm-1"])
                try host.waitForState("mounted")
                try host.detach("vm-1", from: "data")
                try host.stopDaemon()
                host.unmountState()
            }
        }
    }
}
