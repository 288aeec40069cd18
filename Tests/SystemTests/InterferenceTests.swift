// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import LinuxMount
import MountTestSupport
import Synchronization
import SystemPackage
import Testing

extension RealDaemon {
    /// Users that stay, and outsiders that unmount ours or mount over it.
    @Suite struct Interference {
        @Test func aBusyMountLingersIsTakenOverAndGoesWhenItsUserHasLeft() throws {
            try TestHost.run { host in
                let first = try host.attach("vm-1", to: "data", type: "tmpfs")
                let file = open(first.path + "/file", O_CREAT | O_RDWR, 0o600)
                try #require(file >= 0)
                let detached = try host.detach("vm-1", from: "data")
                #expect(detached.detached)
                #expect(detached.mountState == "lingering")
                #expect(detached.problem?.code == "busy")
                let again = try host.attach("vm-2", to: "data", type: "tmpfs")
                #expect(again.mount.kernelMountID == first.mount.kernelMountID)
                #expect(again.mount.state == "mounted")
                #expect(try host.detach("vm-2", from: "data").mountState == "lingering")
                close(file)
                try host.waitForState("absent")
            }
        }

        @Test func whatSomebodyUnmountedIsLostAndMountedAgain() throws {
            try TestHost.run { host in
                let first = try host.attach("vm-1", to: "data", type: "tmpfs")
                try #require(umount2(first.path, 0) == 0)
                let second = try host.attach("vm-2", to: "data", type: "tmpfs")
                #expect(second.mount.kernelMountID != first.mount.kernelMountID)
                #expect(try host.mounts(at: first.path).count == 1)
                try host.detach("vm-1", from: "data")
                try host.detach("vm-2", from: "data")
            }
        }

        @Test func withTheMountGoneAWriteToTheMountpointFailsForRootToo() throws {
            try TestHost.run { host in
                let image = try host.image("disk.img")
                let path = try host.attach("vm-1", to: image).path
                // With the image away the mount cannot be made anew.
                try FileManager.default.moveItem(atPath: image, toPath: image + ".away")
                try #require(umount2(path, 0) == 0)
                #expect(open(path + "/file", O_CREAT | O_WRONLY, 0o600) == -1)
                #expect(errno == EPERM)
                #expect(mkdir(path + "/folder", 0o700) == -1)
                #expect(rmdir(path) == -1)
                try host.waitForState("lost")
                try host.detach("vm-1", from: image)
                // An attempt to mount it again may be under way.
                try host.waitForState("absent")
            }
        }

        @Test func whatSomebodyMountedOverOursIsNeverUnmounted() throws {
            try TestHost.run { host in
                let path = try host.attach("vm-1", to: "data", type: "tmpfs").path
                try host.mountForeign(at: path)
                let theirs = try #require(try host.mounts(at: path).last)
                let problem = try host.attachProblem("vm-2", to: "data", type: "tmpfs")
                #expect(problem?.code == "foreign")
                #expect(try host.detach("vm-1", from: "data").detached)
                #expect(try host.mounts(at: path).last?.id == theirs.id)
                #expect(try host.client.verify().mounts.first?.result == "foreign")
                try #require(umount2(path, 0) == 0)
                try host.waitForState("absent")
            }
        }

        @Test func aParkingLotThatOthersUnmountedIsMadeAnew() throws {
            try TestHost.run { host in
                let parking = host.folder + "/run/parking"
                try host.attach("vm-1", to: "data", type: "tmpfs")
                try host.attach("vm-1", to: "other", type: "tmpfs")
                try #require(umount2(parking, Int32(MNT_DETACH)) == 0)
                #expect(try host.detach("vm-1", from: "data").mountState == "absent")
                #expect(try host.mounts(at: parking).count == 1)
                // By itself, too, and said so.
                try #require(umount2(parking, Int32(MNT_DETACH)) == 0)
                try host.waitUntil("it is there again") { try host.mounts(at: parking).count == 1 }
                try host.waitUntil("it is said") {
                    host.daemon?.log.contains("others have unmounted the parking lot") == true
                }
                #expect(try host.detach("vm-1", from: "other").mountState == "absent")
            }
        }

        @Test(arguments: [0o1777, 0o755])
        func aStartBeneathAForeignMountSaysWhatCoversTheMountRoot(_ mode: Int) throws {
            try TestHost.run { host in
                try host.attach("vm-1", to: "data", type: "tmpfs")
                try host.killDaemon()
                let options = "mode=\(String(mode, radix: 8))"
                try #require(mount("theirs", host.mountRoot, "tmpfs", 0, options) == 0)
                let daemon = try DaemonProcess(
                    arguments: [
                        "run", "--state-dir", host.folder + "/state", "--runtime-dir", host.folder + "/run",
                        "--mount-root", host.mountRoot, "--allow-private-namespace",
                    ], environment: [:])
                #expect(daemon.waitForEnd() == 0)
                #expect(daemon.log.contains("tmpfs 'theirs' is mounted on it"), "\(daemon.log)")
                #expect(daemon.log.contains("'umount \(host.mountRoot)'"), "\(daemon.log)")
                #expect(try host.doctor().answer.findings.contains { $0.code == "mount_root_covered" })
                try #require(umount2(host.mountRoot, 0) == 0)
                try host.startDaemon()
                try host.detach("vm-1", from: "data")
            }
        }

        @Test func whatIsMountedOverTheMountRootIsNotTakenForIt() throws {
            try TestHost.run { host in
                let path = try host.attach("vm-1", to: "data", type: "tmpfs").path
                try host.mountForeign(at: host.mountRoot)
                #expect(try host.attachProblem("vm-2", to: "data", type: "tmpfs")?.code == "foreign")
                #expect(try host.attachProblem("vm-2", to: "other", type: "tmpfs")?.code == "foreign")
                #expect(try host.client.verify().ok == false)
                try #require(umount2(host.mountRoot, 0) == 0)
                #expect(try host.attach("vm-2", to: "data", type: "tmpfs").path == path)
                #expect(try host.mounts(at: path).count == 1)
                try host.detach("vm-1", from: "data")
                #expect(try host.detach("vm-2", from: "data").mountState == "absent")
            }
        }

        @Test func anAttackerWhoMountsOverOursInALoopLosesNoMount() throws {
            try TestHost.run { host in
                let path = host.mountRoot + "/point"
                let attacker = Attacker(path: path)
                attacker.start()
                let began = ContinuousClock.now
                var round = 0
                while round < 300, round < 20 || began.duration(to: .now) < .seconds(60) {
                    round += 1
                    do {
                        try host.attach("vm-1", to: "data", type: "tmpfs", at: "point", timeout: 2)
                    } catch let problem as Problem {
                        // On a slow machine it changes whenever we have looked, until the time is over.
                        #expect(
                            ["foreign", "mount_failed", "conflict", "invalid_argument", "timed_out"].contains(
                                problem.code), "\(problem)")
                    }
                    _ = try? host.client.detach(
                        DetachSelector(source: "data", consumer: "vm-1", at: path),
                        timeoutSeconds: round % 2 == 0 ? 1 : 0.01)
                }
                attacker.stop()
                #expect(attacker.mounted > 0)
                #expect(attacker.lost == 0, "of \(attacker.mounted) foreign mounts")
                repeat {
                    // One of theirs may have been in our slot when they stopped, and come back later.
                    try attacker.cleanUp()
                    _ = try host.client.detach(DetachSelector(source: "data", consumer: "vm-1", at: path))
                } while try host.client.mounts().mounts.first != nil
            }
        }
    }
}

extension TestHost {
    /// Mounts a tmpfs of somebody else's.
    func mountForeign(at path: String) throws {
        try run("/usr/bin/mount", ["-t", "tmpfs", "foreign", path])
    }
}

/// Mounts a tmpfs, without nosuid, over a path and unmounts it, in a loop, and counts those that somebody else
/// unmounted.
final class Attacker: Sendable {
    private let path: String
    private let state = Mutex((isStopped: false, mounted: 0, lost: 0))
    private let ended = DispatchSemaphore(value: 0)

    init(path: String) { self.path = path }

    /// How often it mounted.
    var mounted: Int { state.withLock { $0.mounted } }
    /// How many of those somebody else unmounted.
    var lost: Int { state.withLock { $0.lost } }

    func start() {
        let thread = Thread { [self] in
            while !state.withLock({ $0.isStopped }) { attack() }
            ended.signal()
        }
        thread.start()
    }

    func stop() {
        state.withLock { $0.isStopped = true }
        ended.wait()
    }

    private func attack() {
        do {
            var context = try FilesystemContext(type: "tmpfs")
            try context.create()
            let mount = try context.mount(attributes: [])
            let id = mount.id
            try mount.attach(onto: try SourceFolder.open(FilePath(path)))
            state.withLock { $0.mounted += 1 }
            for _ in 0..<3 { sched_yield() }
            // By its id, which nobody else's mount can have.
            guard try MountTable.current.entry(id) != nil else {
                state.withLock { $0.lost += 1 }
                return
            }
            if try MountTable.current.entries(at: FilePath(path)).last?.id == id { umount2(path, 0) }
        } catch {
            // The folder is not there just now, or busy: the next round.
        }
    }

    /// Unmounts what is left of the attacker's own.
    func cleanUp() throws {
        while try MountTable.current.entries(at: FilePath(path)).last?.attributes.contains(.noSetUserID) == false {
            try #require(umount2(path, 0) == 0)
        }
    }
}
