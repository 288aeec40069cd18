// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import HoldfastAPI

/// What every command takes, before the command's name or after it.
struct CommonOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The daemon's socket (environment: HOLDFAST_SOCKET; default: \(APIClient.defaultSocketPath)).",
            valueName: "path"),
        completion: .file())
    var socket: String?

    @Flag(help: "Print the daemon's answer as JSON; errors go to standard error as JSON too.")
    var json = false

    /// Starts the command's work: the options may stand before the command's name, after it, or in the environment.
    func session(after parent: Holdfast) -> Session {
        let fromEnvironment = Environment.value(of: "HOLDFAST_SOCKET")
        let path = socket ?? parent.common.socket ?? fromEnvironment ?? APIClient.defaultSocketPath
        return Session(client: APIClient(socketPath: path), json: json || parent.common.json)
    }
}
