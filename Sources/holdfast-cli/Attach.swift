// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import HoldfastAPI

/// `holdfast attach`.
struct Attach: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Attach a consumer to a filesystem, mounting it where need be, and print the path to use.",
        discussion: """
            Attaching twice is attaching once. A SOURCE that begins with './' or '../' is made absolute, with its \
            symbolic links resolved; every other is given to the daemon as it is.

            Example: cd "$(holdfast attach ./disk.img --consumer "$USER")"
            """)

    @OptionGroup var what: AttachOptions
    @OptionGroup var common: CommonOptions
    @ParentCommand var parent: Holdfast

    func run() throws {
        let session = common.session(after: parent)
        let request = try what.request(in: session)
        _ = try session.show { client throws(Problem) in
            try client.attach(request)
        } as: { answer, style in
            AttachmentText.path(answer, isTerminal: style.isTerminal)
        }
    }
}
