// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import LinuxMount
import MountModel
import MountTestSupport
import SystemPackage
import Testing

/// The tests with a real daemon on the real kernel: one at a time, for each checks that the host is as it was.
@Suite(.serialized, .timeLimit(.minutes(10))) enum RealDaemon {}

/// A folder of its own with everything that a daemon needs, and the check that a test leaves nothing behind.
final class TestHost: @unchecked Sendable {  // SAFETY: only the test's own thread starts and stops the daemon.
    let folder: String
    var mountRoot: String { folder + "/mnt" }
    private(set) var daemon: DaemonProcess?
    /// The control group of its daemon's helper programs: other daemons of the machine have theirs beside it.
    let helperGroup: String

    /// Runs a test with a daemon; afterwards mounts, loop devices, folders and processes must be as before.
    static func run(start: Bool = true, _ body: (TestHost) throws -> Void) throws {
        let host = try TestHost()
        let mountsBefore = try host.mountLines()
        do {
            if start { try host.startDaemon() }
            try body(host)
            try host.stopDaemon()
            #expect(try host.mountLines() == mountsBefore, "mounts were left behind")
            #expect(host.loopDevices() == [], "loop devices were left behind")
            #expect(try host.mountFolders() == [], "mountpoint folders were left behind")
        } catch {
            if let log = host.daemon?.log { FileHandle.standardError.write(Data(log.utf8)) }
            host.cleanUpAfterFailure()
            throw error
        }
        host.cleanUpAfterFailure()
    }

    private init() throws {
        try PrivateNamespace.require()
        var template = Array("/tmp/holdfast-system-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try #require(chmod(folder, 0o755) == 0)
        let digest = try Program.run("sh", "-c", "printf %s \(folder)/mnt | sha256sum")
        helperGroup = "holdfast-\(digest.prefix(16))"
    }

    // MARK: - The daemon

    /// Starts the daemon and waits until it listens.
    @discardableResult
    func startDaemon(
        environment: [String: String] = [:], arguments: [String] = [], onStop: (@Sendable () -> Void)? = nil
    ) throws -> DaemonProcess {
        let daemon = try DaemonProcess(
            arguments: [
                "run", "--state-dir", folder + "/state", "--runtime-dir", folder + "/run", "--mount-root", mountRoot,
                "--allow-private-namespace",
            ] + arguments, environment: environment, onStop: onStop)
        self.daemon = daemon
        return daemon
    }

    /// Starts the daemon with this configuration file.
    @discardableResult
    func startDaemon(settings: String) throws -> DaemonProcess {
        let file = folder + "/holdfastd.toml"
        try settings.write(toFile: file, atomically: true, encoding: .utf8)
        return try startDaemon(arguments: ["--config", file])
    }

    /// Ends the daemon as an administrator does; its mounts stay.
    func stopDaemon() throws {
        guard let daemon else { return }
        self.daemon = nil
        try daemon.terminate()
    }

    /// Ends the daemon as a crash does.
    func killDaemon() throws {
        daemon?.kill()
        daemon = nil
    }

    var client: APIClient {
        get { APIClient(socketPath: folder + "/run/holdfast.sock", patience: SanitizerOptions.patience) }
    }

    @discardableResult
    func attach(
        _ consumer: String, to source: String, type: String? = nil, options: [String] = [],
        secrets: [String: Secret]? = nil, at name: String? = nil, lease: String? = nil, timeout: Double? = nil
    ) throws -> AttachResponse {
        try client.attach(
            AttachRequest(
                source: source, consumer: consumer, type: type, options: options, secrets: secrets,
                at: name.map { mountRoot + "/" + $0 }, lease: lease, timeoutSeconds: timeout))
    }

    /// The problem of an attach that is expected to fail.
    func attachProblem(
        _ consumer: String, to source: String, type: String? = nil, options: [String] = [],
        secrets: [String: Secret]? = nil, at name: String? = nil, lease: String? = nil
    ) throws -> Problem? {
        do {
            try attach(
                consumer, to: source, type: type, options: options, secrets: secrets, at: name, lease: lease)
            return nil
        } catch let problem as Problem {
            return problem
        }
    }

    @discardableResult
    func detach(_ consumer: String, from source: String) throws -> DetachResponse {
        try client.detach(DetachSelector(source: source, consumer: consumer))
    }

    /// What the daemon's descriptors refer to, sockets of requests that have been answered apart; sorted.
    func settledDescriptors() throws -> [String] {
        let folder = "/proc/\(try #require(daemon).pid)/fd"
        let targets = try FileManager.default.contentsOfDirectory(atPath: folder).compactMap {
            // One that is closed while we read is none.
            try? FileManager.default.destinationOfSymbolicLink(atPath: folder + "/" + $0)
        }
        return targets.filter { !$0.hasPrefix("socket:") }.sorted()
    }

    /// The state of the only mount; `absent` where there is none.
    func state() throws -> String { try client.mounts().mounts.first?.mount.state ?? "absent" }

    /// Asks until the state is this.
    func waitForState(_ state: String) throws {
        try waitUntil("the state is \(state)") { try self.state() == state }
    }

    /// Asks until it is so, which nothing tells of; fails with what was waited for where it is not in time.
    func waitUntil(_ what: String, _ isSo: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(180)
        while try !isSo() {
            try #require(ContinuousClock.now < deadline, "waited three minutes until \(what)")
            usleep(5_000)
        }
    }

    // MARK: - The host

    /// The `holdfast` that was built beside the tests.
    var command: URL { URL(fileURLWithPath: Program.beside("holdfast")) }

    /// An image file with a filesystem in it.
    func image(_ name: String, type: String = "ext4", size: String = "64M", arguments: [String] = []) throws -> String {
        let path = folder + "/" + name
        try run("/usr/bin/truncate", ["-s", size, path])
        try run("/usr/sbin/mkfs.\(type)", (type == "ext4" ? ["-q"] : type == "xfs" ? ["-q"] : []) + arguments + [path])
        return path
    }

    /// Runs a program to its end; it must succeed.
    @discardableResult
    func run(_ program: String, _ arguments: [String]) throws -> String {
        try Program.run([program] + arguments)
    }

    /// The kernel's mounts at a path, lowest first.
    func mounts(at path: String) throws -> [MountEntry] { try MountTable(.mountinfo).entries(at: FilePath(path)) }

    /// What the kernel has mounted beneath the mount root.
    func managedMounts() throws -> [MountEntry] { try MountTable(.mountinfo).entries(beneath: FilePath(mountRoot)) }

    /// The kernel's mounts beneath a folder of this host's.
    func mounts(beneath name: String) throws -> [MountEntry] {
        try MountTable(.mountinfo).entries(beneath: FilePath("\(folder)/\(name)"))
    }

    private func mountLines() throws -> [String] {
        try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8).split(separator: "\n").map(String.init)
            .filter { $0.contains(folder) }
    }

    /// The loop devices on files of this host's folder.
    func loopDevices() -> [String] {
        let blocks = (try? FileManager.default.contentsOfDirectory(atPath: "/sys/block")) ?? []
        return blocks.filter { $0.hasPrefix("loop") }.compactMap {
            try? String(contentsOfFile: "/sys/block/\($0)/loop/backing_file", encoding: .utf8)
        }.filter { $0.hasPrefix(folder) }
    }

    private func mountFolders() throws -> [String] {
        FileManager.default.fileExists(atPath: mountRoot)
            ? try FileManager.default.contentsOfDirectory(atPath: mountRoot) : []
    }

    /// Frees the machine from what a failed test left, by means that need no daemon.
    private func cleanUpAfterFailure() {
        daemon?.kill()
        try? OwnProcesses.endWorkers(at: mountRoot)
        let entries = (try? MountTable(.mountinfo).entries(beneath: FilePath(folder))) ?? []
        for entry in entries.reversed() {
            if let path = entry.mountpoint { umount2(path.string, Int32(MNT_DETACH)) }
        }
        let folders = Process()
        folders.executableURL = URL(fileURLWithPath: "/usr/bin/chattr")
        folders.arguments = ["-R", "-f", "-i", mountRoot]
        try? folders.run()
        folders.waitUntilExit()
        try? FileManager.default.removeItem(atPath: folder)
    }
}
