// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import LinuxMount
import MountTestSupport
import SystemPackage
import Testing

extension RealDaemon {
    /// A ledger that is damaged or gone: the daemon starts, says so, and touches nothing that it cannot account for.
    @Suite struct BrokenLedgers {
        @Test func aDamagedLedgerIsMovedAsideAndNothingIsTouchedUntilItIsRepaired() throws {
            try TestHost.run { host in
                let first = try host.attach("vm-1", to: "data", type: "tmpfs")
                try host.killDaemon()
                let bytes = try host.ledgerBytes()
                try host.damageLedger()
                let damaged = try host.ledgerBytes()

                let log = try host.startDaemon().log
                #expect(log.contains("ledger.sqlite.unreadable-1"))
                #expect(log.contains(first.path) && log.contains("is in no record"))
                try expectReadOnly(host, first)
                try host.stopDaemon()
                #expect(try host.ledgerFiles() == ["ledger.sqlite.unreadable-1", "ledger.sqlite.unreadable-1-wal"])
                for (name, data) in damaged {
                    let moved = name.replacing("ledger.sqlite", with: "ledger.sqlite.unreadable-1")
                    #expect(try Data(contentsOf: URL(fileURLWithPath: host.stateFolder + "/" + moved)) == data)
                }

                // It does not forget that over a restart, nor after a crash.
                try host.startDaemon()
                try expectReadOnly(host, first)
                try host.killDaemon()
                try host.startDaemon()
                try expectReadOnly(host, first)
                #expect(try host.ledgerFiles() == ["ledger.sqlite.unreadable-1", "ledger.sqlite.unreadable-1-wal"])
                try host.stopDaemon()

                try host.putLedger(bytes)
                try host.startDaemon()
                #expect(try host.attach("vm-1", to: "data", type: "tmpfs").created == false)
                #expect(try host.probe("/readyz").status == "200")
                #expect(try host.findings().contains("ledger_moved_aside"))
                #expect(
                    try host.kernelIDs(at: first.path) == [try #require(first.mount.kernelMountID)]
                )
                #expect(try host.detach("vm-1", from: "data").mountState == "absent")
            }
        }

        @Test func aNewLedgerBeginsOnlyWhenItIsAskedFor() throws {
            try TestHost.run { host in
                let old = try host.attach("vm-1", to: "data", type: "tmpfs")
                try host.killDaemon()
                try host.damageLedger()
                try host.startDaemon()
                #expect(try host.attachProblem("vm-2", to: "other", type: "tmpfs")?.code == "unavailable")
                try host.stopDaemon()

                try host.startDaemon(arguments: ["--new-ledger"])
                try host.attach("vm-2", to: "other", type: "tmpfs")
                // What is there is a stranger's now.
                #expect(try host.attachProblem("vm-1", to: "data", type: "tmpfs")?.code == "foreign")
                #expect(try host.detach("vm-1", from: "data").detached == false)
                #expect(try host.mounts(at: old.path).count == 1)
                #expect(try host.findings().isSuperset(of: ["unrecorded_mount", "ledger_moved_aside"]))
                try host.stopDaemon()
                try host.startDaemon()
                try host.detach("vm-2", from: "other")
                #expect(umount2(old.path, 0) == 0)
                #expect(try host.attach("vm-1", to: "data", type: "tmpfs").created)
                try host.detach("vm-1", from: "data")
            }
        }

        @Test(arguments: [true, false]) func aMissingLedgerIsAnEmptyOneThatNamesWhatIsThere(isCut: Bool) throws {
            try TestHost.run { host in
                let old = try host.attach("vm-1", to: "data", type: "tmpfs")
                try host.killDaemon()
                for name in try host.ledgerFiles() { #expect(unlink(host.stateFolder + "/" + name) == 0) }
                if isCut { #expect(FileManager.default.createFile(atPath: host.ledger, contents: nil)) }
                let log = try host.startDaemon().log
                #expect(log.contains(old.path) && log.contains("is in no record"))

                let listed = try #require(try host.client.mounts().mounts.first)
                #expect(listed.mount.state == "unrecorded")
                #expect(listed.mount.kernelMountID == old.mount.kernelMountID)
                #expect(listed.mount.type == "tmpfs")
                #expect(try host.client.status().mounts == ["unrecorded": 1])
                #expect(try host.client.status().readOnly == nil)
                #expect(try host.client.verify().mounts.map(\.result) == ["unrecorded"])
                #expect(try host.client.mount(id: listed.mount.id).mount == listed.mount)
                #expect(try host.findings().contains("unrecorded_mount"))
                #expect(try host.attachProblem("vm-1", to: "data", type: "tmpfs")?.code == "foreign")
                try host.attach("vm-1", to: "other", type: "tmpfs")
                #expect(try host.kernelIDs(at: old.path) == [try #require(old.mount.kernelMountID)])
                try host.detach("vm-1", from: "other")

                #expect(umount2(old.path, 0) == 0)
                try host.attach("vm-1", to: "data", type: "tmpfs")
                #expect(try host.client.status().mounts == ["mounted": 1])
                #expect(try host.client.verify().ok)
                try host.detach("vm-1", from: "data")
            }
        }

        @Test func aLedgerOfYesterdayTouchesNothingThatItDoesNotKnow() throws {
            try TestHost.run { host in
                try host.attach("vm-1", to: "first", type: "tmpfs")
                try host.killDaemon()
                let yesterday = try host.ledgerBytes()
                try host.startDaemon()
                let second = try host.attach("vm-1", to: "second", type: "tmpfs")
                #expect(try host.detach("vm-1", from: "first").mountState == "absent")
                try host.killDaemon()
                for name in try host.ledgerFiles() { #expect(unlink(host.stateFolder + "/" + name) == 0) }
                try host.putLedger(yesterday)
                #expect(try host.startDaemon().log.contains(second.path))
                // What it knows is lost, and mounted again; what it does not know stays.
                try host.waitUntil("one is mounted and one unrecorded") {
                    try host.client.status().mounts == ["mounted": 1, "unrecorded": 1]
                }
                #expect(try host.kernelIDs(at: second.path) == [try #require(second.mount.kernelMountID)])
                #expect(try host.attachProblem("vm-1", to: "second", type: "tmpfs")?.code == "foreign")
                #expect(umount2(second.path, 0) == 0)
                try host.attach("vm-1", to: "second", type: "tmpfs")
                try host.detach("vm-1", from: "second")
                try host.detach("vm-1", from: "first")
            }
        }

        @Test func aLogWithoutItsLedgerIsKept() throws {
            try TestHost.run { host in
                let old = try host.attach("vm-1", to: "data", type: "tmpfs")
                try host.killDaemon()
                let bytes = try host.ledgerBytes()
                #expect(unlink(host.ledger) == 0)
                try host.startDaemon()
                #expect(try host.ledgerFiles() == ["ledger.sqlite.unreadable-1-wal"])
                try expectReadOnly(host, old)
                try host.stopDaemon()
                try host.putLedger(bytes)
                try host.startDaemon()
                #expect(try host.detach("vm-1", from: "data").mountState == "absent")
            }
        }

        @Test func aFlippedMountpointIsNotActedUpon() throws {
            try TestHost.run { host in
                let old = try host.attach("vm-1", to: "data", type: "tmpfs", at: "point")
                try host.stopDaemon()
                let good = try host.ledgerBytes()
                var bytes = try #require(good["ledger.sqlite"])
                // The name stands in the record and in the attachment: in both, or a lost reference would tell.
                var range = bytes.startIndex..<bytes.endIndex
                while let found = bytes.range(of: Data("/mnt/point".utf8), in: range) {
                    bytes.replaceSubrange(found, with: Data("/mnt/poInt".utf8))
                    range = found.upperBound..<bytes.endIndex
                }
                try host.putLedger(["ledger.sqlite": bytes])
                #expect(try host.startDaemon().log.contains("checksum"))
                try expectReadOnly(host, old)
                try host.stopDaemon()
                try host.putLedger(good)
                try host.startDaemon()
                #expect(try host.detach("vm-1", from: "data").mountState == "absent")
            }
        }

        /// Nothing is changed, everything is shown, and the old mount is where it was.
        private func expectReadOnly(_ host: TestHost, _ old: AttachResponse) throws {
            for problem in [
                try host.attachProblem("vm-1", to: "data", type: "tmpfs"),
                try host.attachProblem("vm-2", to: "other", type: "tmpfs"),
                try host.detachProblem("vm-1", from: "data"),
            ] {
                #expect(problem?.code == "unavailable")
                #expect(problem?.hint?.contains("holdfast doctor") == true)
            }
            let listed = try host.client.mounts().mounts
            #expect(listed.map(\.mount.state) == ["unrecorded"])
            #expect(listed.first?.mount.kernelMountID == old.mount.kernelMountID)
            #expect(listed.first?.mount.mountpoint == old.mount.mountpoint)
            let status = try host.client.status()
            #expect(status.readOnly?.code == "unavailable")
            let readiness = try host.probe("/readyz")
            #expect(readiness.status == "503")
            #expect(readiness.body.contains("nothing is attached or detached"))
            #expect(readiness.body.contains("unreadable-1"))
            #expect(try host.probe("/healthz").status == "200")
            #expect(status.mounts == ["unrecorded": 1])
            #expect(try host.client.verify().ok == false)
            #expect(try host.kernelIDs(at: old.path) == [try #require(old.mount.kernelMountID)])
            #expect(try host.managedMounts().count == 1)
            #expect(try host.findings().isSuperset(of: ["ledger_unreadable", "unrecorded_mount"]))
            let show = try host.holdfast(["show", old.mount.mountpoint])
            #expect(show.status == 0 && show.output.contains("unrecorded"))
            #expect(try host.holdfast(["status"]).output.contains("nothing is attached or detached"))
        }
    }
}
