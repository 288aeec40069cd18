// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import LinuxMount
import MountTestSupport
import SystemPackage
import Testing

extension RealDaemon {
    /// A state folder that cannot be written, or is full: requests fail, the daemon lives, what was acknowledged stays.
    @Suite struct UnwritableStates {
        @Test func aReadOnlyStateFolderIsReadFromACopy() throws {
            try TestHost.run(start: false) { host in
                try host.mountState(size: "4m")
                try host.startDaemon()
                let first = try host.attach("vm-1", to: "data", type: "tmpfs")
                try host.attach("vm-2", to: "data", type: "tmpfs")
                try host.killDaemon()
                try host.remountState(readOnly: true)
                let before = try host.ledgerBytes()

                for _ in 0..<2 {
                    #expect(try host.startDaemon().log.contains("read-only"))
                    try host.waitForState("mounted")
                    #expect(try host.client.attachments().attachments.map(\.consumer) == ["vm-1", "vm-2"])
                    #expect(try host.client.verify().ok)
                    // What needs no change is answered.
                    #expect(try host.attach("vm-1", to: "data", type: "tmpfs").created == false)
                    let refusal = try host.attachProblem("vm-3", to: "data", type: "tmpfs")
                    #expect(refusal?.code == "unavailable")
                    #expect(refusal?.hint?.contains("holdfast doctor") == true)
                    #expect(try host.detachProblem("vm-1", from: "data")?.code == "unavailable")
                    #expect(try host.findings().isSuperset(of: ["ledger_unwritable", "state_read_only"]))
                    #expect(!FileManager.default.fileExists(atPath: host.folder + "/run/ledger-copy/ledger.sqlite"))
                    try host.stopDaemon()
                }
                #expect(try host.ledgerBytes() == before)
                #expect(try host.mounts(at: first.path).count == 1)

                try host.remountState(readOnly: false)
                try host.startDaemon()
                try host.detach("vm-1", from: "data")
                #expect(try host.detach("vm-2", from: "data").mountState == "absent")
                try host.stopDaemon()
                host.unmountState()
            }
        }

        @Test func aReadOnlyDaemonMountsNothingAgainAndUnmountsNothing() throws {
            try TestHost.run(start: false) { host in
                try host.mountState(size: "4m")
                try host.startDaemon()
                let lost = try host.attach("vm-1", to: "lost", type: "tmpfs")
                try host.attach("vm-1", to: "kept", type: "tmpfs")
                try host.killDaemon()
                #expect(umount2(lost.path, 0) == 0)
                try host.remountState(readOnly: true)
                try host.startDaemon()
                try host.waitUntil("it has looked at both") {
                    try host.client.mounts().mounts.allSatisfy { $0.mount.state != "recovering" }
                }
                let states = Dictionary(
                    try host.client.mounts().mounts.map { ($0.mount.source, $0.mount.state) }, uniquingKeysWith: { $1 })
                #expect(states == ["lost": "lost", "kept": "mounted"])
                #expect(try host.managedMounts().count == 1)
                #expect(try host.findings().contains("mount_lost"))
                try host.stopDaemon()
                try host.remountState(readOnly: false)
                try host.startDaemon()
                try host.waitForStates(["mounted"])
                try host.detach("vm-1", from: "lost")
                try host.detach("vm-1", from: "kept")
                try host.stopDaemon()
                host.unmountState()
            }
        }

        @Test func aFullDiskFailsTheRequestAndNotTheDaemon() throws {
            try TestHost.run(start: false) { host in
                try host.mountState(size: "512k")
                try host.startDaemon()
                let first = try host.attach("vm-0", to: "data", type: "tmpfs")
                try host.fillState()
                var acknowledged: Set<String> = ["vm-0"]
                let refusal = try #require(
                    try attachUntilRefused(host, &acknowledged), "500 attachments fitted on a full disk")
                #expect(refusal.code == "resource_exhausted")
                #expect(refusal.hint?.contains("free space") == true)
                #expect(try host.attachProblem("vm-x", to: "another", type: "tmpfs")?.code == "resource_exhausted")
                try expect(acknowledged, on: host, first)
                #expect(try host.findings().contains("state_disk_full"))

                // The disk is full, and the daemon is killed.
                try host.killDaemon()
                try host.startDaemon()
                try host.waitForState("mounted")
                try expect(acknowledged, on: host, first)
                #expect(try host.client.status().readOnly == nil)
                if let late = try host.attachProblem("vm-late", to: "data", type: "tmpfs") {
                    #expect(late.code == "resource_exhausted")
                } else {
                    // The checkpoint at the start has made room in the log.
                    acknowledged.insert("vm-late")
                }
                _ = try attachUntilRefused(host, &acknowledged, from: 1000)
                let detach = try host.detachProblem("vm-0", from: "data")
                if detach == nil { acknowledged.remove("vm-0") } else { #expect(detach?.code == "resource_exhausted") }
                try expect(acknowledged, on: host, first)

                host.freeState()
                try host.attach("vm-after", to: "data", type: "tmpfs")
                acknowledged.insert("vm-after")
                try expect(acknowledged, on: host, first)
                for consumer in acknowledged { #expect(try host.detach(consumer, from: "data").detached) }
                #expect(try host.client.mounts().mounts.isEmpty)
                try host.stopDaemon()
                host.unmountState()
            }
        }

        @Test func aQuotaThatIsUsedUpFailsTheRequestAndNotTheDaemon() throws {
            try TestHost.run(start: false) { host in
                try host.mountState(quota: "2M")
                try host.startDaemon()
                let first = try host.attach("vm-0", to: "data", type: "tmpfs")
                try host.fillState(until: Errno(rawValue: EDQUOT))
                var acknowledged: Set<String> = ["vm-0"]
                let refusal = try #require(
                    try attachUntilRefused(host, &acknowledged), "500 attachments fitted into a quota that is used up")
                #expect(refusal.code == "resource_exhausted")
                #expect(refusal.hint?.contains("free space") == true)
                for number in 0..<20 {
                    #expect(
                        try host.attachProblem("vm-x\(number)", to: "another", type: "tmpfs")?.code
                            == "resource_exhausted")
                }
                try expect(acknowledged, on: host, first)

                try host.killDaemon()
                try host.startDaemon()
                try host.waitForState("mounted")
                try expect(acknowledged, on: host, first)
                #expect(try host.client.status().readOnly == nil)

                try host.setStateQuota("none")
                try host.attach("vm-after", to: "data", type: "tmpfs")
                acknowledged.insert("vm-after")
                try expect(acknowledged, on: host, first)
                for consumer in acknowledged { #expect(try host.detach(consumer, from: "data").detached) }
                try host.stopDaemon()
                host.unmountState()
            }
        }

        /// Attaches others until the disk has no room for it.
        private func attachUntilRefused(
            _ host: TestHost, _ acknowledged: inout Set<String>, from first: Int = 1
        ) throws -> Problem? {
            for number in first..<first + 500 {
                if let problem = try host.attachProblem("vm-\(number)", to: "data", type: "tmpfs") { return problem }
                acknowledged.insert("vm-\(number)")
            }
            return nil
        }

        private func expect(_ consumers: Set<String>, on host: TestHost, _ first: AttachResponse) throws {
            #expect(Set(try host.client.attachments().attachments.map(\.consumer)) == consumers)
            #expect(try host.kernelIDs(at: first.path) == [try #require(first.mount.kernelMountID)])
            #expect(try host.managedMounts().count == 1)
            #expect(host.daemon?.isRunning == true)
        }
    }
}
