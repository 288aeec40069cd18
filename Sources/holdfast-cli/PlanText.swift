// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI

/// What an attach would do, as text.
enum PlanText {
    /// A line a fact, and beneath them who uses what is there.
    static func render(_ plan: PlanResponse, style: TextStyle) -> String {
        var table = TextTable()
        table.append(["verdict", .init(plan.verdict, plan.problem == nil ? .green : .red)])
        table.append(["why", .init(plan.reason)])
        if let hint = plan.problem?.hint { table.append(["hint", .init(hint)]) }
        table.append(["mountpoint", .init(plan.mountpoint ?? "-")])
        table.append(["path", .init(plan.path ?? "-")])
        table.append(["type", .init("\(plan.type) (\(plan.typeOrigin))")])
        let isOther = !plan.source.utf8.elementsEqual(plan.sourceGiven.utf8)
        table.append(["source", .init(plan.source + (isOther ? " (given as \(plan.sourceGiven))" : ""))])
        table.append(["mounted by", .init(builder(of: plan))])
        if let server = plan.server { table.append(["server", .init(server)]) }
        let options = plan.options
        for (name, list) in [
            ("superblock", options.superblock), ("mount", options.mount), ("added", options.added),
            ("ignored", options.ignored),
        ] {
            table.append([.init(name), .init(list.isEmpty ? "-" : list.joined(separator: ","))])
        }
        if let mount = plan.mount?.mount {
            table.append(["there now", .init("\(mount.state): \(mount.source)", TextStyle.colour(of: mount.state))])
        }
        let users = AttachmentText.table(plan.mount?.attachments ?? [], style: style)
        return table.render(style: style) + (users.isEmpty ? "" : "\n" + users)
    }

    private static func builder(of plan: PlanResponse) -> String {
        switch plan.build.method {
        case "kernel": "the kernel"
        case "device_or_image": "the kernel; an image file through a loop device"
        case "bind": "the kernel, as a copy of the folder's mount"
        case "external": "somebody else"
        case "helper":
            (plan.build.program ?? "a program")
                + (plan.build.kernelSuffices ? ", or the kernel where that is not installed" : "")
        default: plan.build.method
        }
    }
}
