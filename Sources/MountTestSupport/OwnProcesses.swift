// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// What this process has: what a test must leave as it was.
public enum OwnProcesses {
    /// The processes that this one has started and not waited for, zombies too.
    public static func children() throws -> Set<Int32> {
        let own = String(ProcessInfo.processInfo.processIdentifier)
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
