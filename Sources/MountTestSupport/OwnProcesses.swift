// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc

/// What this process has: what a test must leave as it was.
public enum OwnProcesses {
    /// The processes that one has started and not waited for, zombies too; this one unless told.
    public static func children(of process: Int32? = nil) throws -> Set<Int32> {
        let own = String(process ?? ProcessInfo.processInfo.processIdentifier)
        var found: Set<Int32> = []
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
            // Others end while we look.
            guard let number = Int32(name),
                let text = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8)
            else { continue }
            // The name before the last parenthesis may have anything in it: then come the state and the parent.
            let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
            if fields.count > 2, fields[2] == own { found.insert(number) }
        }
        return found
    }

    /// Ends the workers at this mount root and waits until they have: a reboot takes those of a dead daemon with it.
    public static func endWorkers(at mountRoot: String) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
            guard let number = Int32(name), isWorker(number, at: mountRoot) else { continue }
            kill(number, SIGKILL)
            // A zombie has no arguments any more, and nothing open.
            while isWorker(number, at: mountRoot) { usleep(500) }
        }
    }

    private static func isWorker(_ process: Int32, at mountRoot: String) -> Bool {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8) else { return false }
        let words = text.split(separator: "\0")
        return words.count >= 4 && words[0].hasSuffix("/holdfast-worker") && words[1] == mountRoot
    }

    /// The open descriptors of a process and what they are open on; of this one unless told.
    public static func descriptors(of process: String = "self") throws -> [String: String] {
        let folder = "/proc/\(process)/fd"
        var found: [String: String] = [:]
        for number in try FileManager.default.contentsOfDirectory(atPath: folder) {
            // The one that listed them is closed by now.
            found[number] = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(number)")
        }
        return found
    }
}
