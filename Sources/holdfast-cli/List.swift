// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import HoldfastAPI

/// `holdfast list`.
struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the mounts and who uses them.",
        discussion: "An empty list is said so on standard error: standard output stays empty then.")

    @Flag(help: "List the attachments, with their ids.")
    var attachments = false

    @OptionGroup var common: CommonOptions
    @ParentCommand var parent: Holdfast

    func run() throws {
        let session = common.session(after: parent)
        if attachments {
            let answer = try session.show { client throws(Problem) in
                try client.attachments()
            } as: { answer, style in
                AttachmentText.table(answer.attachments, style: style)
            }
            if answer.attachments.isEmpty { session.remark("nothing is attached") }
        } else {
            let answer = try session.show { client throws(Problem) in
                try client.mounts()
            } as: { answer, style in
                MountText.table(answer, style: style)
            }
            if answer.mounts.isEmpty { session.remark("nothing is mounted") }
        }
    }
}
