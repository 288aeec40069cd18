// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import HoldfastAPI

/// `holdfast verify`.
struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask the kernel whether every mount is what it should be.",
        discussion: "Exits with 0 if all are ok and with 1 if one is missing, replaced, foreign, drifted or silent.")

    @OptionGroup var common: CommonOptions
    @ParentCommand var parent: Holdfast

    func run() throws {
        let session = common.session(after: parent)
        let answer = try session.show { client throws(Problem) in
            try client.verify()
        } as: { answer, style in
            VerifyText.render(answer, style: style)
        }
        if answer.mounts.isEmpty { session.remark("nothing is mounted") }
        if !answer.ok { throw ExitCode(ExitStatus.difference.rawValue) }
    }
}
