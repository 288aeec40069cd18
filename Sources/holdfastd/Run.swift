// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Logging
internal import MountModel

/// `holdfastd run`: the daemon itself, in the foreground.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the daemon in the foreground.",
        discussion: """
            Flags win over the configuration file, and the file over the defaults. SIGTERM and SIGINT end what is in \
            flight and leave all mounts in place; the next start takes them up again.
            """)

    @Option(help: ArgumentHelp("The configuration file, in TOML.", valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp("Where the ledger is kept (default: \(Settings.defaults.stateFolder)).", valueName: "folder")
    )
    var stateDir: String?

    @Option(
        help: ArgumentHelp(
            "For the socket and parked mounts (default: \(Settings.defaults.runtimeFolder)).", valueName: "folder"))
    var runtimeDir: String?

    @Option(
        help: ArgumentHelp(
            "Beneath which all is mounted (default: \(Settings.defaults.mountRoot)).", valueName: "folder"))
    var mountRoot: String?

    @Option(help: ArgumentHelp("The API's socket (default: holdfast.sock in the runtime folder).", valueName: "path"))
    var socket: String?

    @Option(
        help: ArgumentHelp(
            "Does what may hang (default: holdfast-worker beside this program, or in /usr/libexec/holdfast).",
            valueName: "path"))
    var worker: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical (default: info).")
    var logLevel: String?

    @Flag(help: "Start in a mount namespace that is not the host's, where the host does not see the mounts.")
    var allowPrivateNamespace = false

    @Flag(
        help: ArgumentHelp(
            "Begin a new, empty ledger where one was moved aside because it could not be read, or was taken away.",
            discussion:
                "Once, by hand: mounts that are there stay, and nobody is attached to them any more. One that is in "
                + "place and can be read is used."))
    var newLedger = false

    func run() async throws {
        let code: ExitCode?
        do throws(MountError) {
            var settings = try settings()
            settings.beginsNewLedger = newLedger
            let log = settings.logLevel
            LoggingSystem.bootstrap { label in
                var handler = StreamLogHandler.standardError(label: label)
                handler.logLevel = log
                return handler
            }
            try await Daemon(settings: settings, logger: Logger(label: "holdfastd")).run()
            code = nil
        } catch {
            StandardError.write("holdfastd: \(error)\n")
            code = error.code == .invalidArgument ? ExitCode(65) : ExitCode(70)
        }
        if let code { throw code }
    }

    private func settings() throws(MountError) -> Settings {
        var file = SettingsFile()
        if let config { file = try SettingsFile.read(config) }
        if let stateDir { file.stateFolder = stateDir }
        if let runtimeDir { file.runtimeFolder = runtimeDir }
        if let mountRoot { file.mountRoot = mountRoot }
        if let socket { file.socket = socket }
        if let worker { file.worker = worker }
        if let logLevel { file.logLevel = logLevel }
        if allowPrivateNamespace { file.allowsPrivateNamespace = true }
        return try Settings(file)
    }
}
