// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// Tries a daemon beyond what is reasonable.
@main
struct TortureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "holdfast-torture", abstract: "Try holdfastd beyond what is reasonable.",
        discussion: "Needs root in a private mount namespace: scripts/in-private-namespace.",
        subcommands: [CrashCommand.self, SoakCommand.self])
}
