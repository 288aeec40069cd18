// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation

/// Tries a daemon beyond what is reasonable.
@main
struct TortureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "holdfast-torture", abstract: "Try holdfastd beyond what is reasonable.",
        discussion: "Needs root in a private mount namespace: scripts/in-private-namespace.",
        subcommands: [CrashCommand.self, SoakCommand.self])

    /// The daemon that was built together with this program.
    static var daemonBeside: String {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return (own as NSString).deletingLastPathComponent + "/holdfastd"
    }
}
