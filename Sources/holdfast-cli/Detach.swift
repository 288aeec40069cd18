// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import HoldfastAPI

/// `holdfast detach`.
struct Detach: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "End an attachment; the filesystem is unmounted after the last one.",
        usage: """
            holdfast detach <attachment-id> [--timeout <time>]
            holdfast detach <source> --consumer <id> [--volume <name>] [--type <type>] [--at <path>] [--timeout <time>]
            """,
        discussion: """
            Ending what does not exist changes nothing and succeeds. If the unmount fails, the attachment is gone all \
            the same and the daemon goes on trying. A source that begins with './' or '../' is made absolute, as \
            'attach' does it.
            """)

    @Argument(help: "The attachment's id (a-…), or with --consumer the source as it was attached.")
    var name: String

    @Option(help: ArgumentHelp("Who used it.", valueName: "id"))
    var consumer: String?

    @Option(help: ArgumentHelp("What was used on the mount (default: all of it).", valueName: "name"))
    var volume: String?

    @Option(help: ArgumentHelp("The filesystem's type (default: any).", valueName: "type"))
    var type: String?

    @Option(help: ArgumentHelp("The mountpoint (default: any).", valueName: "path"), completion: .directory)
    var at: String?

    @Option(help: ArgumentHelp("How long to wait for the unmount: 30s, 500ms, 2m (default: 30s).", valueName: "time"))
    var timeout: TimeoutArgument?

    @OptionGroup var common: CommonOptions
    @ParentCommand var parent: Holdfast

    func validate() throws {
        guard consumer == nil else { return }
        if volume != nil || type != nil || at != nil {
            throw ValidationError("'--volume', '--type' and '--at' go with a source and '--consumer'.")
        }
        if !name.hasPrefix("a-") {
            throw ValidationError(
                "'\(TextStyle.escaped(name))' is not an attachment's id: for a source, add '--consumer <id>'.")
        }
    }

    func run() throws {
        let session = common.session(after: parent)
        let source: String
        do {
            source = consumer == nil ? name : try SourceArgument.absolute(name)
        } catch {
            throw session.fail(error)
        }
        _ = try session.show { client throws(Problem) in
            guard let consumer else { return try client.detach(id: name, timeoutSeconds: timeout?.seconds) }
            let selector = DetachSelector(source: source, consumer: consumer, volume: volume, type: type, at: at)
            return try client.detach(selector, timeoutSeconds: timeout?.seconds)
        } as: { answer, style in
            DetachText.render(answer, style: style, suggestion: SourceArgument.suggestion(for: source))
        }
    }
}
