// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import MountTestSupport
import SystemPackage
import Testing

extension RealDaemon {
    /// `holdfast doctor`, with and without a daemon.
    @Suite struct Doctors {
        @Test func aDaemonThatIsWellHasNothingButTheTestsNamespaceToTell() throws {
            try TestHost.run { host in
                try host.attach("vm-1", to: "data", type: "tmpfs")
                let run = try host.doctor()
                // The test's own namespace, or that process 1 may not be looked at; and what the test's disk lacks.
                let codes = Set(run.answer.findings.map(\.code))
                #expect(!codes.isDisjoint(with: ["private_namespace", "namespace_unknown"]))
                #expect(
                    codes.isSubset(
                        of: ["private_namespace", "namespace_unknown", "immutable_unsupported", "state_disk_low"]))
                #expect(run.status == (run.answer.ok ? 0 : 1))
                let text = try host.holdfast(["doctor"])
                #expect(text.output.contains("namespace"))
                #expect(text.output.contains("  do:  "))
                try host.detach("vm-1", from: "data")
            }
        }

        @Test func whatOthersDoToTheMountRootIsToldWithWhatToDo() throws {
            try TestHost.run { host in
                let path = try host.attach("vm-1", to: "data", type: "tmpfs").path
                try #require(mount("tmpfs", path, "tmpfs", 0, "size=64k") == 0)
                try host.waitForState("foreign")
                let finding = try #require(
                    try host.client.doctor().findings.first { $0.code == "mount_foreign" })
                #expect(finding.what.contains(path) && !finding.action.isEmpty)
                #expect(umount2(path, 0) == 0)
                try host.waitForState("mounted")
                try #require(mount("tmpfs", host.mountRoot, "tmpfs", 0, "size=64k") == 0)
                #expect(try host.findings().contains("mount_root_covered"))
                #expect(umount2(host.mountRoot, 0) == 0)
                #expect(try !host.findings().contains("mount_root_covered"))
                // What would keep the next daemon from starting.
                for (folder, mode, code) in [
                    (host.mountRoot, 0o777, "mount_root_not_trusted"),
                    (host.folder + "/run", 0o711, "runtime_folder_open"),
                ] as [(String, mode_t, String)] {
                    var before = stat()
                    try #require(stat(folder, &before) == 0 && chmod(folder, mode) == 0)
                    #expect(try host.findings().contains(code))
                    try #require(chmod(folder, before.st_mode & 0o7777) == 0)
                    #expect(try !host.findings().contains(code))
                }
                try host.waitForState("mounted")
                try host.detach("vm-1", from: "data")
            }
        }

        @Test func withoutADaemonItSaysWhatItSees() throws {
            try TestHost.run { host in
                let path = try host.attach("vm-1", to: "data", type: "tmpfs").path
                try host.killDaemon()
                // The socket is there, and nobody listens.
                var run = try host.doctor()
                #expect(run.status == 1)
                #expect(run.answer.ok == false)
                #expect(run.answer.findings.first?.code == "daemon_not_running")
                #expect(run.answer.findings.contains { $0.code == "mounts_without_daemon" })
                #expect(unlink(host.folder + "/run/holdfast.sock") == 0)
                #expect(try host.doctor().answer.findings.first?.code == "daemon_not_running")

                try host.damageLedger()
                try host.startDaemon()
                try host.killDaemon()
                #expect(chmod(host.stateFolder, 0o755) == 0)
                run = try host.doctor()
                #expect(
                    Set(run.answer.findings.map(\.code)).isSuperset(of: ["ledger_unreadable", "state_folder_open"]))
                #expect(chmod(host.stateFolder, 0o700) == 0)
                try host.startDaemon(arguments: ["--new-ledger"])
                #expect(umount2(path, 0) == 0)
                try host.attach("vm-1", to: "data", type: "tmpfs")
                try host.detach("vm-1", from: "data")
            }
        }

        @Test func aDaemonThatLostItsSocketIsToldFromOneThatDoesNotRun() throws {
            try TestHost.run { host in
                let daemon = try #require(host.daemon)
                let lines = daemon.log.split(separator: "\n").filter { $0.contains("listening") }
                #expect(lines.count == 1, "\(lines)")
                // Or it would make it anew.
                daemon.signal(SIGSTOP)
                try #require(unlink(host.folder + "/run/holdfast.sock") == 0)
                let finding = try #require(try host.doctor().answer.findings.first)
                #expect(finding.code == "daemon_unreachable")
                #expect(finding.what.contains("pid \(daemon.pid)"))
                let list = try host.holdfast(["list"])
                #expect(list.status == 69)
                #expect(list.output.contains("holdfastd runs (pid \(daemon.pid)), but its socket"))
                #expect(list.output.contains("restart holdfastd"))
                daemon.signal(SIGCONT)
                try host.waitUntil("the socket is there again") { try host.holdfast(["list"]).status == 0 }
                #expect(daemon.log.contains("the socket was removed or replaced, and is made anew"))
                try host.killDaemon()
                #expect(try host.holdfast(["list"]).output.contains("cannot be reached: nobody listens"))
                #expect(try host.doctor().answer.findings.first?.code == "daemon_not_running")
                try host.startDaemon()
            }
        }

        @Test func aFolderThatDoesNotAnswerIsNamedAndNotWaitedFor() throws {
            try TestHost.run(start: false) { host in
                try #require(mkdir(host.stateFolder, 0o700) == 0)
                let silent = try SilentFilesystem()
                try silent.mount(on: FilePath(host.stateFolder))
                defer { #expect(umount2(host.stateFolder, Int32(MNT_DETACH)) == 0) }
                let daemon = try DaemonProcess(
                    [
                        "run", "--state-dir", host.stateFolder, "--runtime-dir", host.folder + "/run", "--mount-root",
                        host.mountRoot, "--allow-private-namespace",
                    ])
                #expect(daemon.waitForEnd(within: 60) == .exited(70))
                #expect(daemon.log.contains("the filesystem of \(host.stateFolder) has not answered"))
                let findings = try host.doctor().answer.findings
                #expect(Set(findings.map(\.code)).isSuperset(of: ["daemon_not_running", "folder_silent"]))
                #expect(findings.first { $0.code == "folder_silent" }?.what.contains(host.stateFolder) == true)
            }
        }

        @Test func withoutADaemonItFindsTheLogThatWasMovedAsideAlone() throws {
            try TestHost.run { host in
                let path = try host.attach("vm-1", to: "data", type: "tmpfs").path
                try host.killDaemon()
                #expect(unlink(host.ledger) == 0)
                try host.startDaemon()
                try host.killDaemon()
                #expect(try host.ledgerFiles() == ["ledger.sqlite.unreadable-1-wal"])
                let finding = try #require(
                    try host.doctor().answer.findings.first { $0.code == "ledger_unreadable" })
                #expect(finding.what.hasSuffix(host.stateFolder + "/ledger.sqlite.unreadable-1-wal"))
                #expect(umount2(path, 0) == 0)
                try host.startDaemon(arguments: ["--new-ledger"])
            }
        }

        @Test func twoDaemonsNeverShareAMountRoot() throws {
            try TestHost.run { host in
                let first = host.daemon
                let second = try DaemonProcess(
                    arguments: [
                        "run", "--state-dir", host.folder + "/state-2", "--runtime-dir", host.folder + "/run-2",
                        "--mount-root", host.mountRoot, "--allow-private-namespace",
                    ], environment: [:])
                #expect(second.waitForEnd() == 0)
                #expect(second.log.contains("another holdfastd"))
                #expect(first?.isRunning == true)
                try host.attach("vm-1", to: "data", type: "tmpfs")
                try host.detach("vm-1", from: "data")
            }
        }
    }
}
