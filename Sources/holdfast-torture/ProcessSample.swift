// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import MountTestSupport

/// What a process uses at one moment.
struct ProcessSample: Sendable {
    /// Since the beginning.
    var second: Double
    /// Memory that is its own, resident and written to: what its end would free.
    var privateKiB: Int
    /// All its resident memory, with the program's text and libraries.
    var residentKiB: Int
    var threads: Int
    /// How many of each kind: `socket`, `anon_inode:[eventpoll]`, a file's path; without those by which it has its
    /// workers, of whom there are now more and now fewer: a socket and a process descriptor each.
    var descriptors: [String: Int]

    /// All descriptors.
    var descriptorCount: Int { descriptors.values.reduce(0, +) }
}

extension ProcessSample {
    /// Reads it from `/proc` (`man 5 proc_pid_smaps`).
    ///
    /// - Throws: where the process has ended.
    init(of pid: pid_t, at second: Double) throws {
        let folder = "/proc/\(pid)"
        let memory = try Self.numbers(in: folder + "/smaps_rollup")
        let status = try Self.numbers(in: folder + "/status")
        var descriptors: [String: Int] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder + "/fd") {
            // One that is closed while we read is none.
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/fd/\(name)")
            else { continue }
            let isNumbered = ["socket:", "pipe:"].contains { target.hasPrefix($0) }
            descriptors[isNumbered ? String(target.prefix { $0 != ":" }) : target, default: 0] += 1
        }
        let workers = try OwnProcesses.children(of: pid).count
        for kind in ["socket", "anon_inode:[pidfd]"] { descriptors[kind, default: 0] -= workers }
        self.init(
            second: second, privateKiB: memory["Private_Dirty", default: 0], residentKiB: memory["Rss", default: 0],
            threads: status["Threads", default: 0], descriptors: descriptors)
    }

    /// The `Name: number` lines of a file.
    private static func numbers(in path: String) throws -> [String: Int] {
        var numbers: [String: Int] = [:]
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let word = parts[1].split(whereSeparator: \.isWhitespace).first else { continue }
            numbers[String(parts[0])] = Int(word)
        }
        return numbers
    }
}
