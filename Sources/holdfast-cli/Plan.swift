// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import HoldfastAPI

/// `holdfast plan`.
struct Plan: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what an attach would do, and why; change nothing.",
        discussion: """
            Takes what 'attach' takes. Exits with 0 where the attach would go ahead, or wait for what is under way, \
            else with what 'attach' would exit with. What only a mount shows (is the server there? is the key right?) \
            is not found out.
            """)

    @OptionGroup var what: AttachOptions
    @OptionGroup var common: CommonOptions
    @ParentCommand var parent: Holdfast

    func run() throws {
        let session = common.session(after: parent)
        let request = try what.request(in: session)
        let answer = try session.show { client throws(Problem) in
            try client.plan(request)
        } as: { answer, style in
            PlanText.render(answer, style: style)
        }
        if let problem = answer.problem { throw ExitCode(problem.exitStatus.rawValue) }
    }
}
