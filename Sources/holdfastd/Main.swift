// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// The daemon's command line.
@main
struct HoldfastDaemon: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "holdfastd", abstract: "Keeps filesystems mounted for as long as someone on the host needs them.",
        version: DaemonVersion.text, subcommands: Failpoints.commands + [Run.self], defaultSubcommand: Run.self)
}

/// The version of the whole product.
enum DaemonVersion {
    static let text = "0.1.0"
}
