// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import LinuxMount
import MountTestSupport
import SystemPackage
import Testing

extension RealDaemon {
    /// Another boot: persistent attachments are mounted again, the others are ended.
    @Suite struct Reboots {
        private static let ended = "an attachment has ended with the reboot"

        @Test func persistentAttachmentsAreMountedAgainAndOthersAreEnded() throws {
            try TestHost.runRebooting { host in
                let image = try host.image("disk.img")
                let kept = try host.attach("vm-1", to: image, lease: "persistent")
                let mixed = try host.attach("vm-2", to: image)
                let alone = try host.attach("vm-3", to: "kept", type: "tmpfs", at: "deep/kept", lease: "persistent")
                let gone = try host.attach("vm-4", to: "gone", type: "tmpfs")
                try host.attach("vm-5", to: "gone", type: "tmpfs")
                try host.reboot()
                #expect(FileManager.default.fileExists(atPath: gone.path))

                let daemon = try host.startDaemon()
                let lines = try daemon.logLines(with: Self.ended, count: 3)
                #expect(lines.count == 3)
                for (consumer, attached) in [("vm-2", mixed), ("vm-4", gone), ("vm-5", gone)] {
                    let own = lines.filter { $0.contains("consumer=\(consumer) ") }
                    #expect(own.count == 1, "\(lines)")
                    let line = (own.first ?? "") + " "
                    #expect(line.contains("volume=. "), "\(line)")
                    #expect(line.contains("mountpoint=\(attached.mount.mountpoint) "), "\(line)")
                    #expect(line.contains("source=\(attached.mount.type) \(attached.mount.source) "), "\(line)")
                }

                #expect(try host.waitForStates(["mounted"]).count == 2)
                for before in [kept, alone] {
                    let after = try host.client.attachment(id: before.attachment.id)
                    #expect(after.attachment == before.attachment)
                    #expect(after.attachment.lease == "persistent")
                    #expect(after.mount.mountpoint == before.mount.mountpoint)
                    #expect(after.mount.kernelMountID != before.mount.kernelMountID)
                    #expect(try host.mounts(at: before.path).count == 1)
                }
                #expect(try host.client.attachments().attachments.count == 2)
                #expect(try host.client.verify().ok)
                // The folder of what has ended goes, immutable as it was.
                try host.waitUntil("the folder has gone") { !FileManager.default.fileExists(atPath: gone.path) }
                #expect(try host.detach("vm-2", from: image).detached == false)
                #expect(try host.detach("vm-1", from: image).mountState == "absent")
                #expect(try host.detach("vm-3", from: "kept").mountState == "absent")
                rmdir(host.mountRoot + "/deep")
            }
        }

        @Test func aSecondRebootEndsNothingThatThePersistentOneHolds() throws {
            try TestHost.runRebooting { host in
                let first = try host.attach("vm-1", to: "data", type: "tmpfs", lease: "persistent")
                for _ in 0..<2 {
                    try host.reboot()
                    try host.startDaemon()
                    try host.waitForStates(["mounted"])
                }
                #expect(try host.client.attachments().attachments == [first.attachment])
                #expect(try host.detach("vm-1", from: "data").mountState == "absent")
                // A detach is durable as well: it does not come back.
                try host.reboot()
                try host.startDaemon()
                #expect(try host.client.mounts().mounts.isEmpty)
            }
        }

        @Test func anAttachmentBecomesPersistentAndStaysSo() throws {
            try TestHost.runRebooting { host in
                #expect(try host.attach("vm-1", to: "data", type: "tmpfs").attachment.lease == "explicit")
                let made = try host.attach("vm-1", to: "data", type: "tmpfs", lease: "persistent")
                #expect(made.created == false)
                #expect(made.attachment.lease == "persistent")
                let again = try host.attach("vm-1", to: "data", type: "tmpfs", lease: "explicit")
                #expect(again.attachment.lease == "persistent")
                try host.reboot()
                try host.startDaemon()
                #expect(try host.waitForStates(["mounted"]).count == 1)
                #expect(try host.client.attachments().attachments == [made.attachment])
                try host.detach("vm-1", from: "data")
            }
        }

        @Test func aSourceThatIsNotThereYetIsLostUntilItComesAndHoldsNobodyUp() throws {
            try TestHost.runRebooting { host in
                let image = try host.image("disk.img")
                let late = try host.attach("vm-1", to: image, lease: "persistent")
                let other = try host.attach("vm-2", to: "data", type: "tmpfs", lease: "persistent")
                try host.reboot()
                try FileManager.default.moveItem(atPath: image, toPath: image + ".away")
                try host.startDaemon()
                try host.waitUntil("the other one is mounted") {
                    try host.client.attachment(id: other.attachment.id).mount.state == "mounted"
                }
                try host.waitUntil("the late one has a problem") {
                    try host.client.attachment(id: late.attachment.id).mount.problem != nil
                }
                let lost = try host.client.attachment(id: late.attachment.id).mount
                #expect(lost.state == "lost")
                #expect(lost.problem?.detail.contains("No such file") == true)
                // Requests of others are answered meanwhile, and one for it is told why.
                #expect(try host.attach("vm-3", to: "new", type: "tmpfs", timeout: 5).created)
                #expect(try host.attachProblem("vm-4", to: image, type: "ext4")?.code == "mount_failed")
                #expect(try host.client.attachments().attachments.count == 3)
                try FileManager.default.moveItem(atPath: image + ".away", toPath: image)
                // Nobody asks: the retry finds it.
                try host.waitUntil("the late one is mounted") {
                    try host.client.attachment(id: late.attachment.id).mount.state == "mounted"
                }
                #expect(try host.mounts(at: late.path).count == 1)
                for (consumer, source) in [("vm-1", image), ("vm-2", "data"), ("vm-3", "new")] {
                    #expect(try host.detach(consumer, from: source).mountState == "absent")
                }
            }
        }

        @Test func whatWaitsForItsSourceCanBeDetached() throws {
            try TestHost.runRebooting { host in
                let image = try host.image("disk.img")
                try host.attach("vm-1", to: image, lease: "persistent")
                try host.reboot()
                try FileManager.default.removeItem(atPath: image)
                try host.startDaemon()
                try host.waitUntil("it has a problem") {
                    try host.client.mounts().mounts.first?.mount.problem != nil
                }
                let detached = try host.detach("vm-1", from: image)
                #expect(detached.detached)
                #expect(detached.mountState == "absent")
            }
        }

        @Test func manyAreMountedAgainWhileSomeAreMissing() throws {
            try TestHost.runRebooting { host in
                for number in 0..<200 {
                    try host.attach("vm-\(number)", to: "s\(number)", type: "tmpfs", lease: "persistent")
                }
                let folders = (0..<20).map { host.folder + "/folder-\($0)" }
                for folder in folders {
                    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
                    try host.attach("vm", to: folder, lease: "persistent")
                }
                try host.reboot()
                for folder in folders { try #require(rmdir(folder) == 0) }
                try host.startDaemon()
                // In the midst of it somebody new is served.
                #expect(try host.attach("new", to: "new", type: "tmpfs", timeout: 60).created)
                var states = try host.waitForStates(["mounted", "lost"])
                while states.values.count(where: { $0 == "mounted" }) < 201 {
                    states = try host.waitForStates(["mounted", "lost"])
                }
                #expect(states.values.count { $0 == "lost" } == 20)
                #expect(try host.managedMounts().count == 201)
                for folder in folders {
                    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
                }
                try host.waitUntil("none is lost") {
                    try !host.waitForStates(["mounted", "lost"]).values.contains("lost")
                }
                #expect(try host.managedMounts().count == 221)
                for number in 0..<200 { try host.detach("vm-\(number)", from: "s\(number)") }
                for folder in folders { try host.detach("vm", from: folder) }
                try host.detach("new", from: "new")
            }
        }

        @Test func aMountThatHasTheOldIDInTheNewBootIsNotTouched() throws {
            try TestHost.runRebooting { host in
                let kept = try host.attach("vm-1", to: "kept", type: "tmpfs", lease: "persistent")
                let gone = try host.attach("vm-2", to: "gone", type: "tmpfs")
                let before = try host.managedMounts().map(\.id)
                // The mounts stay: in the new boot they are somebody else's, who was given the same ids.
                try host.reboot(keepingMounts: true)
                let daemon = try host.startDaemon()
                #expect(try daemon.logLines(with: Self.ended, count: 1).count == 1)
                // A list that is made while a record goes may be without the one and the other.
                try host.waitUntil("both are listed") {
                    try host.waitForStates(["foreign", "unrecorded"]).count == 2
                }
                let states = try host.waitForStates(["foreign", "unrecorded"])
                #expect(states == [kept.path: "foreign", gone.path: "unrecorded"])
                #expect(Set(try host.client.verify().mounts.map(\.result)) == ["replaced", "unrecorded"])
                #expect(try host.detach("vm-1", from: "kept").detached)
                #expect(try host.managedMounts().map(\.id) == before)
                for path in [kept.path, gone.path] { try #require(umount2(path, 0) == 0) }
                // Their folders were owed.
                try host.waitUntil("their folders have gone") {
                    _ = try host.client.mounts()
                    return ![kept.path, gone.path].contains(where: FileManager.default.fileExists(atPath:))
                }
            }
        }

        @Test(arguments: ["", "\n", "not-an-id\n"])
        func withoutABootIDItDoesNotStartAndSaysWhy(_ text: String) throws {
            try TestHost.runRebooting { host in
                try host.attach("vm-1", to: "data", type: "tmpfs")
                try host.killDaemon()
                try host.nameBoot(text)
                let before = try host.managedMounts().map(\.id)
                let daemon = try host.startDaemon()
                #expect(try daemon.exitStatus() == 70)
                #expect(daemon.log.contains("cannot tell which boot of this machine this is"), "\(daemon.log)")
                #expect(daemon.log.contains("hint: "))
                #expect(try host.managedMounts().map(\.id) == before)
                try host.nameBoot(UUID().uuidString.lowercased() + "\n")
                for path in try host.managedMounts().compactMap(\.mountpoint) {
                    try #require(umount2(path.string, 0) == 0)
                }
                try host.startDaemon()
                try host.waitForState("absent")
            }
        }

        @Test func aLeaseThatDoesNotExistIsRefusedAndTheOnesThatDoAreNamed() throws {
            try TestHost.run { host in
                let problem = try host.attachProblem("vm-1", to: "data", type: "tmpfs", lease: "forever")
                #expect(problem?.code == "invalid_argument")
                #expect(problem?.detail.contains("'forever'") == true)
                #expect(problem?.hint == "the leases are explicit, persistent")
                #expect(try host.client.mounts().mounts.isEmpty)
            }
        }
    }
}
