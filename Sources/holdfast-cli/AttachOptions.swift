// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import HoldfastAPI

/// What `attach` takes, and `plan` with it.
struct AttachOptions: ParsableArguments {
    @Argument(help: "What to mount: a device, an image, a folder, host:/export, or a name (tmpfs).")
    var source: String

    @Option(help: ArgumentHelp("Who uses it: a VM's UUID, a container's id, a name.", valueName: "id"))
    var consumer: String

    @Option(help: ArgumentHelp("A file or folder at the top of the mount (default: all of it).", valueName: "name"))
    var volume: String?

    @Option(help: ArgumentHelp("The filesystem's type (default: the daemon finds out).", valueName: "type"))
    var type: String?

    @Option(
        name: [.customShort("o"), .long], parsing: .singleValue,
        help: ArgumentHelp("Mount options, split at commas; may be given more than once.", valueName: "name[=value],…"))
    var options: [String] = []

    @Option(
        name: .customLong("secret"), parsing: .singleValue,
        help: ArgumentHelp(
            "The content of the option NAME's file, for this request alone: read from descriptor FD, or '-' for "
                + "standard input.", valueName: "name=fd|-"))
    var secrets: [String] = []

    @Option(
        help: ArgumentHelp("The mountpoint (default: the daemon chooses).", valueName: "path"),
        completion: .directory)
    var at: String?

    @Option(
        help: ArgumentHelp(
            "What ends it: explicit, a detach or a reboot; persistent, a detach only (default: explicit).",
            valueName: "lease"),
        completion: .list(["explicit", "persistent"]))
    var lease: String?

    @Option(help: ArgumentHelp("How long to wait: 30s, 500ms, 2m (default: 30s).", valueName: "time"))
    var timeout: TimeoutArgument?

    func validate() throws {
        if splitOptions.contains("") {
            throw ValidationError("An option of '-o' is empty: write '-o name,name=value'.")
        }
        let names = try secrets.map { try SecretArgument($0).name }
        if Set(names).count < names.count { throw ValidationError("'--secret' names an option twice.") }
    }

    /// The request, with its source made absolute and its secrets read.
    ///
    /// - Throws: `ExitCode` where that fails, which is then said.
    func request(in session: Session) throws -> AttachRequest {
        var request = AttachRequest(
            source: source, consumer: consumer, volume: volume, type: type,
            options: options.isEmpty ? nil : splitOptions, secrets: secrets.isEmpty ? nil : [:], at: at,
            lease: lease, timeoutSeconds: timeout?.seconds)
        let arguments = try secrets.map { try SecretArgument($0) }
        do throws(Problem) {
            request.source = try SourceArgument.absolute(source)
            let limit = timeout.map { Duration.seconds($0.seconds) } ?? APIClient.defaultTimeout
            let deadline = SuspendingClock.now + limit
            for argument in arguments { request.secrets?[argument.name] = try argument.read(until: deadline) }
            if !arguments.isEmpty {
                // At least as much as the daemon takes for a time.
                let left = SuspendingClock.now.duration(to: deadline) / .seconds(1)
                request.timeoutSeconds = max(left, TimeoutArgument.allowed.lowerBound)
            }
        } catch {
            throw session.fail(error)
        }
        return request
    }

    private var splitOptions: [String] {
        options.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    }
}
