// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import HoldfastAPI

/// `holdfast status`.
struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show how the daemon is.")

    @OptionGroup var common: CommonOptions
    @ParentCommand var parent: Holdfast

    func run() throws {
        _ = try common.session(after: parent).show { client throws(Problem) in
            try client.status()
        } as: { answer, style in
            StatusText.render(answer, style: style)
        }
    }
}
