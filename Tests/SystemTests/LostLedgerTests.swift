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
        @Test(arguments: ["", "-wal"], [SIGTERM, SIGKILL])
        func aLedgerThatIsRemovedStopsAllAcknowledgementsAndIsSaved(suffix: String, end: Int32) throws {
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

                let copy = host.folder + "/run/ledger-saved.sqlite"
                try host.waitUntil("it is not ready any more") { try host.probe("/readyz").status == "503" }
                #expect(try host.client.status().readOnly?.detail.contains(host.ledger + suffix) == true)
                let findings = try host.client.doctor().findings
                let finding = try #require(findings.first { $0.code == "ledger_lost" })
                #expect(finding.severity == "error" && finding.action.contains(copy))
                #expect(host.daemon?.log.contains(copy) == true)

                let daemon = try #require(host.daemon)
                daemon.signal(end)
                if end == SIGTERM {
                    #expect(try daemon.exitStatus() == 70)
                    #expect(daemon.log.contains("hint: put the same files back"))
                } else {
                    #expect(daemon.waitForEnd(within: 10) == .killed(SIGKILL))
                }
                // Nothing is begun that would take the mount for a stranger's, and nothing is taken up that is older.
                for _ in 0..<2 {
                    try #require(try host.doctor().answer.findings.contains(where: isOf(copy)))
                    let left = try host.ledgerFiles()
                    try host.startDaemon()
                    #expect(try host.client.status().readOnly?.detail.contains(copy) == true)
                    try #require(try host.client.doctor().findings.contains(where: isOf(copy)))
                    #expect(try host.managedMounts().count == 1)
                    #expect(try host.ledgerFiles() == left)
                    try host.stopDaemon()
                }
                // What the finding advises helps.
                if access(host.ledger + "-wal", F_OK) == 0 { try #require(unlink(host.ledger + "-wal") == 0) }
                _ = try host.run("/usr/bin/mv", [copy, host.ledger])
                try host.startDaemon()
                try host.waitForState("mounted")
                let found = try host.client.attachments().attachments
                #expect(found.map(\.id) == [first.attachment.id] && found.map(\.lease) == ["persistent"])
                #expect(try host.kernelIDs(at: first.path) == [try #require(first.mount.kernelMountID)])
                try host.detach("vm-1", from: "data")
            }
        }

        private func isOf(_ copy: String) -> (DoctorResponse.Entry) -> Bool {
            { $0.code == "ledger_lost" && $0.severity == "error" && $0.action.contains(copy) }
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
                #expect(access(host.folder + "/run/ledger-saved.sqlite", F_OK) != 0)
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
