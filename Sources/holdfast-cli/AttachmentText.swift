// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI

/// Attachments as text.
enum AttachmentText {
    /// The path alone, for `cd "$(holdfast attach …)"`: byte for byte for a program, escaped for a terminal.
    static func path(_ answer: AttachResponse, isTerminal: Bool) -> String {
        (isTerminal ? TextStyle.escaped(answer.path) : answer.path) + "\n"
    }

    /// One line an attachment; empty for none.
    static func table(_ attachments: [AttachmentSummary], style: TextStyle) -> String {
        guard !attachments.isEmpty else { return "" }
        var table = TextTable(header: ["ATTACHMENT", "CONSUMER", "VOLUME", "LEASE", "UID", "PATH"])
        for attachment in attachments {
            table.append([
                .init(attachment.id), .init(attachment.consumer), .init(attachment.volume), .init(attachment.lease),
                "\(attachment.ownerUID)", .init(attachment.path),
            ])
        }
        return table.render(style: style)
    }

    /// One attachment, then its mount.
    static func details(_ answer: AttachResponse, style: TextStyle) -> String {
        let attachment = answer.attachment
        var table = TextTable()
        table.append(["attachment", .init(attachment.id)])
        table.append(["consumer", .init(attachment.consumer)])
        table.append(["volume", .init(attachment.volume)])
        table.append(["lease", .init(attachment.lease)])
        table.append(["owner", "uid \(attachment.ownerUID)"])
        table.append(["path", .init(attachment.path)])
        return table.render(style: style) + "\n" + MountText.facts(answer.mount, style: style)
    }
}
