// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI

/// Mounts as text.
enum MountText {
    /// As many consumers as a line of the table names.
    static let namedConsumers = 3

    /// One line a mount; empty for none.
    static func table(_ list: MountList, style: TextStyle) -> String {
        guard !list.mounts.isEmpty else { return "" }
        var table = TextTable(header: ["MOUNTPOINT", "TYPE", "SOURCE", "STATE", "CONSUMERS"])
        for detail in list.mounts {
            let mount = detail.mount
            table.append([
                .init(mount.mountpoint), .init(mount.type), .init(mount.source),
                .init(mount.state, TextStyle.colour(of: mount.state)), .init(consumers(detail.attachments)),
            ])
        }
        return table.render(style: style)
    }

    /// One mount with everything that is known of it.
    static func details(_ detail: MountDetail, style: TextStyle) -> String {
        facts(detail.mount, style: style) + "\n" + AttachmentText.table(detail.attachments, style: style)
    }

    /// A mount's own facts, a line each.
    static func facts(_ mount: MountSummary, style: TextStyle) -> String {
        var table = TextTable()
        table.append(["mountpoint", .init(mount.mountpoint)])
        table.append(["id", .init(mount.id)])
        table.append(["type", .init(mount.type)])
        table.append(["source", .init(mount.source)])
        table.append(["options", .init(mount.options.isEmpty ? "-" : mount.options.joined(separator: ","))])
        table.append(["state", .init(mount.state, TextStyle.colour(of: mount.state))])
        table.append(["kernel id", .init(mount.kernelMountID.map(String.init) ?? "-")])
        if let problem = mount.problem {
            table.append(["problem", .init(problem.detail, .red)])
            for message in problem.kernelMessages ?? [] { table.append(["kernel", .init(message)]) }
            for failure in problem.cleanupFailures ?? [] { table.append(["clean-up", .init(failure)]) }
            if let hint = problem.hint { table.append(["hint", .init(hint)]) }
        }
        return table.render(style: style)
    }

    /// `vm-1, vm-2 (disk.img), +3 more`.
    private static func consumers(_ attachments: [AttachmentSummary]) -> String {
        guard !attachments.isEmpty else { return "-" }
        var names = attachments.prefix(namedConsumers).map {
            $0.volume == "." ? $0.consumer : "\($0.consumer) (\($0.volume))"
        }
        if attachments.count > namedConsumers { names.append("+\(attachments.count - namedConsumers) more") }
        return names.joined(separator: ", ")
    }
}
