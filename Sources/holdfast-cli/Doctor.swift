// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import HoldfastAPI

/// `holdfast doctor`.
struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find out what is wrong on this host, and what to do about it.",
        discussion: """
            Asks the daemon; where that does not answer, looks at what can be seen without it, best as root. Exits \
            with 0 if all is well and with 1 if there is an error or a warning.
            """)

    @Option(
        help: ArgumentHelp(
            "The daemon's state folder, where the daemon cannot be asked (default: \(LocalDiagnosis.stateFolder)).",
            valueName: "folder"),
        completion: .directory)
    var stateDir = LocalDiagnosis.stateFolder

    @Option(
        help: ArgumentHelp(
            "Its mount root, where it cannot be asked (default: \(LocalDiagnosis.mountRoot)).", valueName: "folder"),
        completion: .directory)
    var mountRoot = LocalDiagnosis.mountRoot

    @OptionGroup var common: CommonOptions
    @ParentCommand var parent: Holdfast

    func run() throws {
        let session = common.session(after: parent)
        let check = LocalDiagnosis(stateFolder: stateDir, mountRoot: mountRoot)
        let answer = try session.show { client throws(Problem) in
            do throws(Problem) {
                return try client.doctor()
            } catch {
                return DoctorResponse(findings: check.findings(without: client.socketPath, because: error))
            }
        } as: { answer, style in
            DoctorText.render(answer, style: style)
        }
        if !answer.ok { throw ExitCode(ExitStatus.difference.rawValue) }
    }
}
