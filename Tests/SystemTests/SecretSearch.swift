// SPDX-License-Identifier: Apache-2.0

import Foundation
import HoldfastAPI
import LinuxMount
import MountTestSupport
import Testing

extension TestHost {
    /// Where any of the texts can be read: the arguments and environments of the helper programs and what they have
    /// become, of daemon and workers and of others, the daemon's log, each file of its state and runtime folders, and
    /// what it answers.
    func places(of texts: [String], and others: [Int32] = []) throws -> Set<String> {
        let daemon = try #require(daemon)
        var found: Set<String> = []
        func look(_ content: Data, _ place: String) {
            if texts.contains(where: { content.range(of: Data($0.utf8)) != nil }) { found.insert(place) }
        }
        for process in try helpers() + [daemon.pid] + OwnProcesses.children(of: daemon.pid) + others {
            for name in ["cmdline", "environ"] {
                // One that has ended while we look has nothing any more.
                look((try? Data(contentsOf: URL(filePath: "/proc/\(process)/\(name)"))) ?? Data(), name)
            }
        }
        look(Data(daemon.log.utf8), "log")
        for folder in ["state", "run"] {
            let files = try #require(FileManager.default.enumerator(atPath: self.folder + "/" + folder))
            for case let name as String in files
            where files.fileAttributes?[.type] as? FileAttributeType == .typeRegular {
                look(try Data(contentsOf: URL(filePath: "\(self.folder)/\(folder)/\(name)")), "\(folder)/\(name)")
            }
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        look(try encoder.encode(client.mounts()), "mounts")
        look(try encoder.encode(client.attachments()), "attachments")
        look(try encoder.encode(client.doctor()), "doctor")
        look(try Data(contentsOf: URL(filePath: "/proc/self/mountinfo")), "mountinfo")
        return found
    }
}
