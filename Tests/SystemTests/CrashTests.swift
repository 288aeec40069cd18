// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import LinuxMount
import MountTestSupport
import SystemPackage
import Testing

extension RealDaemon {
    /// SIGKILL between any two steps, and what the next daemon makes of it.
    @Suite struct Crashes {
        @Test func aKilledDaemonsMountsAreTakenUpAgain() throws {
            try TestHost.run { host in
                let image = try host.image("disk.img")
                let first = try host.attach("vm-1", to: image)
                try "hello".write(toFile: first.path + "/file", atomically: false, encoding: .utf8)
                try host.attach("vm-2", to: image)
                try host.killDaemon()
                #expect(try String(contentsOfFile: first.path + "/file", encoding: .utf8) == "hello")
                try host.startDaemon()
                let again = try host.attach("vm-1", to: image)
                #expect(again.created == false)
                #expect(again.mount.kernelMountID == first.mount.kernelMountID)
                #expect(try host.managedMounts().count == 1)
                try host.detach("vm-1", from: image)
                #expect(try host.detach("vm-2", from: image).mountState == "absent")
            }
        }

        @Test func aStoppedDaemonLeavesItsMountsInPlace() throws {
            try TestHost.run { host in
                let path = try host.attach("vm-1", to: "data", type: "tmpfs").path
                try host.stopDaemon()
                #expect(try host.mounts(at: path).count == 1)
                try host.startDaemon()
                #expect(try host.client.mounts().mounts.first?.mount.state == "mounted")
                #expect(try host.detach("vm-1", from: "data").mountState == "absent")
            }
        }

        @Test func afterACrashTooAFolderGoesWhenSomebodyElsesMountOnItHasGone() throws {
            try TestHost.run { host in
                let path = try host.attach("vm-1", to: "data", type: "tmpfs").path
                let daemon = try #require(host.daemon)
                // While it cannot look, ours is unmounted, and theirs takes the place.
                kill(daemon.pid, SIGSTOP)
                try #require(umount2(path, 0) == 0)
                try host.mountForeign(at: path)
                kill(daemon.pid, SIGCONT)
                try host.waitForState("foreign")
                try host.detach("vm-1", from: "data")
                try host.waitForState("unrecorded")
                try host.killDaemon()
                try host.startDaemon()
                try #require(umount2(path, 0) == 0)
                // The test's time limit ends this if it stays.
                while FileManager.default.fileExists(atPath: path) { usleep(5_000) }
            }
        }

        @Test func aSecondDaemonOnTheSameStateIsRefused() throws {
            try TestHost.run { host in
                let first = host.daemon
                let second = try host.startDaemon()
                #expect(second.waitForEnd() == 0)
                #expect(second.log.contains("another holdfastd"))
                #expect(first?.isRunning == true)
                first?.kill()
                try host.startDaemon()
            }
        }

        /// The scenario's steps are counted by the daemon; it kills itself at the n-th, for each n until it gets
        /// through.
        @Test func theInvariantsHoldAfterAKillBetweenAnyTwoSteps() throws {
            var step = 1
            while try killedAt(step: step) { step += 1 }
            // The scenario has two builds, two placements, two unmounts and seven ledger writes at the least.
            #expect(step > 25, "the daemon was killed at \(step - 1) steps")
        }

        private func killedAt(step: Int) throws -> Bool {
            var wasKilled = false
            try TestHost.run(start: false) { host in
                let image = try host.image("disk.img", size: "8M")
                try host.startDaemon(environment: ["HOLDFAST_FAILPOINT": "any:\(step)"])
                var record = ClientRecord()
                // The last steps are those of its end.
                wasKilled =
                    record.play(on: host, image: image) || host.daemon?.isKilledWhileTerminating() == true
                if wasKilled { #expect(host.daemon?.waitForEnd() == SIGKILL) }
                try host.killDaemon()
                try host.startDaemon()
                try record.check(on: host, "killed at step \(step)")
                for (consumer, source) in record.everyone(image: image) { try host.detach(consumer, from: source) }
                #expect(try host.client.mounts().mounts.isEmpty, "killed at step \(step)")
                #expect(try host.managedMounts().isEmpty, "killed at step \(step)")
            }
            return wasKilled
        }
    }
}

/// What a client has been told: the attachments that must be there, and those that must not.
private struct ClientRecord {
    private var there: Set<String> = []
    private var gone: Set<String> = []

    func everyone(image: String) -> [(String, String)] {
        [("vm-1", image), ("vm-2", image), ("vm-1", "data")]
    }

    /// Attaches and detaches until all is done or the daemon dies under it; says whether it died.
    mutating func play(on host: TestHost, image: String) -> Bool {
        do {
            for (consumer, source) in everyone(image: image) {
                gone.remove(name(consumer, source))
                try host.attach(consumer, to: source, type: source == "data" ? "tmpfs" : nil)
                there.insert(name(consumer, source))
            }
            for (consumer, source) in everyone(image: image) {
                there.remove(name(consumer, source))
                #expect(try host.detach(consumer, from: source).detached)
                gone.insert(name(consumer, source))
            }
            return false
        } catch {
            return true
        }
    }

    /// Compares with what the daemon lists and the kernel has.
    func check(on host: TestHost, _ moment: Comment) throws {
        var settled = try host.client.mounts().mounts
        // The test's time limit ends this if a mountpoint never comes to rest.
        while settled.contains(where: { $0.mount.state != "mounted" || $0.attachments.isEmpty }) {
            usleep(5_000)
            settled = try host.client.mounts().mounts
        }
        let listed = Set(settled.flatMap { mount in mount.attachments.map { name($0.consumer, mount.mount.source) } })
        #expect(there.isSubset(of: listed), moment)
        #expect(gone.isDisjoint(with: listed), moment)
        let kernel = try host.managedMounts().compactMap { $0.mountpoint?.string }
        #expect(kernel.sorted() == settled.map(\.mount.mountpoint), moment)
    }

    private func name(_ consumer: String, _ source: String) -> String { "\(consumer) on \(source)" }
}
