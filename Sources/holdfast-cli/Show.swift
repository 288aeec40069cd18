// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import HoldfastAPI
import MountModel

/// `holdfast show`.
struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show one mount, or one attachment with its mount.")

    @Argument(help: "A mount's id (m-…), an attachment's id (a-…), or the path of either.")
    var name: String

    @OptionGroup var common: CommonOptions
    @ParentCommand var parent: Holdfast

    func validate() throws {
        if !["m-", "a-", "/"].contains(where: name.hasPrefix) {
            throw ValidationError("'\(TextStyle.escaped(name))' is neither an id (m-…, a-…) nor an absolute path.")
        }
    }

    func run() throws {
        let session = common.session(after: parent)
        if name.hasPrefix("a-") {
            _ = try session.show { client throws(Problem) in
                try client.attachment(id: name)
            } as: { answer, style in
                AttachmentText.details(answer, style: style)
            }
        } else {
            _ = try session.show { client throws(Problem) in
                name.hasPrefix("m-") ? try client.mount(id: name) : try Self.find(name, in: try client.mounts())
            } as: { answer, style in
                MountText.details(answer, style: style)
            }
        }
    }

    /// The mount whose mountpoint, or else one of whose attachments' paths, is this one.
    static func find(_ path: String, in list: MountList) throws(Problem) -> MountDetail {
        var wanted = path[...]
        while wanted.count > 1, wanted.last == "/" { wanted.removeLast() }
        let found =
            list.mounts.first { $0.mount.mountpoint == wanted }
            ?? list.mounts.first { $0.attachments.contains { $0.path == wanted } }
        guard let found else {
            throw Problem(
                MountError(
                    .notFound, "no mount of Holdfast's is at \(InputText.quoted(path))",
                    context: .init(operation: "show", target: path), hint: "'holdfast list' shows all of them"))
        }
        return found
    }
}
