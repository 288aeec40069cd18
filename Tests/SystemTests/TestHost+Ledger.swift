// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import LinuxMount
import MountTestSupport
import SystemPackage
import Testing

/// The ledger's files behind the daemon's back, and the command line.
extension TestHost {
    var stateFolder: String { folder + "/state" }
    var ledger: String { stateFolder + "/ledger.sqlite" }

    /// The names in the state folder that are a ledger's, sorted.
    func ledgerFiles() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: stateFolder).filter { $0.hasPrefix("ledger") }.sorted()
    }

    /// The ledger with its log, as a crash has left both.
    func ledgerBytes() throws -> [String: Data] {
        var bytes: [String: Data] = [:]
        for name in ["ledger.sqlite", "ledger.sqlite-wal"] where access(stateFolder + "/" + name, F_OK) == 0 {
            bytes[name] = try Data(contentsOf: URL(fileURLWithPath: stateFolder + "/" + name))
        }
        return bytes
    }

    /// Puts files into the state folder, as an administrator does who has repaired or kept them.
    func putLedger(_ bytes: [String: Data]) throws {
        for (name, data) in bytes { try data.write(to: URL(fileURLWithPath: stateFolder + "/" + name)) }
    }

    /// Overwrites the beginning of the ledger, which makes it none.
    func damageLedger() throws {
        let file = try FileDescriptor.open(ledger, .writeOnly)
        try file.closeAfter { _ = try file.writeAll(toAbsoluteOffset: 0, [UInt8](repeating: 0x5A, count: 200)) }
    }

    /// A small filesystem of its own for the state folder.
    func mountState(size: String) throws {
        try FileManager.default.createDirectory(atPath: stateFolder, withIntermediateDirectories: false)
        let flags = UInt(MS_NOSUID) | UInt(MS_NODEV) | UInt(MS_NOEXEC)
        try #require(mount("tmpfs", stateFolder, "tmpfs", flags, "size=\(size),mode=0700") == 0)
    }

    /// Makes the state folder's filesystem read-only, or writable again.
    func remountState(readOnly: Bool) throws {
        let flags = UInt(MS_REMOUNT) | (readOnly ? UInt(MS_RDONLY) : 0)
        try #require(mount("none", stateFolder, nil, flags, nil) == 0)
    }

    /// A filesystem with a quota for the state folder, which root has to keep to as well.
    func mountState(quota: String) throws {
        try FileManager.default.createDirectory(atPath: stateFolder, withIntermediateDirectories: false)
        let image = folder + "/state.img"
        try run("/usr/bin/truncate", ["--size=128M", image])
        try run("/usr/sbin/mkfs.btrfs", ["--quiet", image])
        try run("/usr/bin/mount", ["--options", "loop,nosuid,nodev,noexec", image, stateFolder])
        try #require(chmod(stateFolder, 0o700) == 0)
        try run("/usr/bin/btrfs", ["quota", "enable", stateFolder])
        try setStateQuota(quota)
    }

    /// Sets it to a size, or to `none`.
    func setStateQuota(_ quota: String) throws { try run("/usr/bin/btrfs", ["qgroup", "limit", quota, stateFolder]) }

    func unmountState() { #expect(umount2(stateFolder, 0) == 0) }

    /// Takes all the space that the state folder has left.
    func fillState(until error: Errno = .noSpace) throws {
        let file = try FileDescriptor.open(
            stateFolder + "/filler", .writeOnly, options: [.create, .append], permissions: .ownerReadWrite)
        let page = [UInt8](repeating: 0, count: 4096)
        _ = try file.closeAfter {
            #expect(throws: error) { while true { _ = try file.writeAll(page) } }
        }
    }

    /// The ids of the mounts at a path as the daemon knows them, lowest first.
    func kernelIDs(at path: String) throws -> [UInt64] {
        try MountTable.current.entries(at: FilePath(path)).map(\.id.rawValue)
    }

    func freeState() { #expect(unlink(stateFolder + "/filler") == 0) }

    /// The problem of a detach that is expected to fail.
    func detachProblem(_ consumer: String, from source: String) throws -> Problem? {
        do {
            try detach(consumer, from: source)
            return nil
        } catch let problem as Problem {
            return problem
        }
    }

    /// The status and the body of `GET /readyz` or `/healthz`, as a load balancer asks for it.
    func probe(_ path: String) throws -> (status: String, body: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
        process.arguments = [
            "--silent", "--write-out", "\n%{http_code}", "--unix-socket", folder + "/run/holdfast.sock",
            "http://h\(path)",
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let lines = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            .split(separator: "\n")
        process.waitUntilExit()
        return (String(try #require(lines.last)), lines.dropLast().joined(separator: "\n"))
    }

    /// The codes of what `GET /v1/doctor` finds.
    func findings() throws -> Set<String> { Set(try client.doctor().findings.map(\.code)) }

    /// Runs `holdfast` against this host's daemon.
    func holdfast(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = command
        process.arguments = arguments
        process.environment = SanitizerOptions.environment
        process.environment?["HOLDFAST_SOCKET"] = folder + "/run/holdfast.sock"
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }

    /// `holdfast doctor --json` with this host's folders.
    func doctor() throws -> (status: Int32, answer: DoctorResponse) {
        let run = try holdfast(["doctor", "--json", "--state-dir", stateFolder, "--mount-root", mountRoot])
        return (run.status, try APIJSON.decodeResponse(DoctorResponse.self, from: Array(run.output.utf8)))
    }
}
