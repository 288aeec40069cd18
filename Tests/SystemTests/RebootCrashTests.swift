// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import MountTestSupport
import Testing

extension RealDaemon {
    /// SIGKILL between any two steps of the recovery after a reboot.
    @Suite struct RebootCrashes {
        /// Every fourth step each: all of them would take longer than one test may, where a sanitizer slows them down.
        @Test(arguments: 1...4) func aSecondCrashInTheRecoveryLosesNothing(first: Int) throws {
            var step = first
            while try killedAt(step: step) { step += 4 }
            // There are three steps a commit, two or three a build, three a placement, two for a folder that goes.
            #expect(step > 25, "the daemon was killed at \(step - 1) steps")
        }

        /// Reboots, kills the next daemon at the n-th step of its recovery, and looks what the one after that makes of
        /// it.
        ///
        /// - Returns: whether the recovery had so many steps.
        private func killedAt(step: Int) throws -> Bool {
            let moment = "killed at step \(step)"
            var wasKilled = false
            try TestHost.runRebooting { host in
                let image = try host.image("disk.img", size: "8M")
                let kept = [
                    try host.attach("vm-1", to: image, lease: "persistent"),
                    try host.attach("vm-2", to: "mixed", type: "tmpfs", lease: "persistent"),
                    try host.attach("vm-3", to: "kept", type: "tmpfs", lease: "persistent"),
                ]
                let gone = [
                    try host.attach("vm-4", to: "mixed", type: "tmpfs"),
                    try host.attach("vm-5", to: "gone", type: "tmpfs"),
                ]
                try host.reboot()
                let daemon = try host.startDaemon(environment: ["HOLDFAST_FAILPOINT": "any:\(step)"])
                // One that has recovered may have a last step to take, which an end in order waits for.
                if recovers(host, goneFolder: gone[1].path) { daemon.signal(SIGTERM) }
                wasKilled = daemon.waitForEnd() == SIGKILL
                try host.killDaemon()
                try host.startDaemon()
                try #require(recovers(host, goneFolder: gone[1].path), "\(moment)")
                let attachments = try host.client.attachments().attachments
                #expect(Set(attachments) == Set(kept.map(\.attachment)), "\(moment)")
                #expect(try host.client.verify().ok, "\(moment)")
                for before in kept { #expect(try host.mounts(at: before.path).count == 1, "\(moment)") }
                #expect(try host.managedMounts().count == 3, "\(moment)")
                for before in kept {
                    #expect(try host.client.detach(id: before.attachment.id).mountState == "absent", "\(moment)")
                }
                #expect(try host.client.mounts().mounts.isEmpty, "\(moment)")
            }
            return wasKilled
        }

        /// Waits until the daemon has recovered everything; false if it died.
        private func recovers(_ host: TestHost, goneFolder: String) -> Bool {
            do {
                while try host.client.mounts().mounts.map(\.mount.state) != ["mounted", "mounted", "mounted"]
                    || FileManager.default.fileExists(atPath: goneFolder)
                {
                    usleep(2_000)
                }
                return true
            } catch {
                return false
            }
        }
    }
}
