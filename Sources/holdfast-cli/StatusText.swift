// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI

/// The daemon's status as text.
enum StatusText {
    /// A line a fact.
    static func render(_ status: StatusResponse, style: TextStyle) -> String {
        var table = TextTable()
        table.append([
            "daemon", .init("holdfastd \(status.version), pid \(status.pid), up \(uptime(status.uptimeSeconds))"),
        ])
        if let problem = status.readOnly { table.append(["changes", .init(problem.detail, .red)]) }
        if let hint = status.readOnly?.hint { table.append(["hint", .init(hint)]) }
        table.append(["mount root", .init(status.mountRoot)])
        let counts = status.mounts.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        table.append(["mounts", .init(counts.isEmpty ? "none" : counts.joined(separator: ", "))])
        table.append(["attachments", "\(status.attachments)"])
        for (index, use) in status.limits.sorted(by: { $0.key < $1.key }).enumerated() {
            let isNear = Double(use.value.used) >= 0.9 * Double(use.value.limit)
            table.append([
                index == 0 ? "limits" : "",
                .init("\(use.key) \(use.value.used) of \(use.value.limit)", isNear ? .yellow : nil),
            ])
        }
        if let workers = status.workers {
            let counts = ["running", "stuck", "killed"].map { "\(workers[$0] ?? 0) \($0)" }.joined(separator: ", ")
            table.append(["workers", .init(counts, workers["stuck"] ?? 0 > 0 ? .yellow : nil)])
        }
        table.append(["boot", .init(status.bootID)])
        let features = status.kernelFeatures.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value ? "yes" : "no")" }
        table.append(["kernel", .init(features.isEmpty ? "-" : features.joined(separator: ", "))])
        return table.render(style: style)
    }

    /// The two largest units: `3 d 4 h`, `12 min 5 s`, `7 s`.
    static func uptime(_ seconds: Double) -> String {
        guard seconds >= 0, seconds < 1e12 else { return "?" }
        var rest = Int(seconds)
        var parts: [String] = []
        for (unit, size) in [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)] {
            if rest >= size || (unit == "s" && parts.isEmpty) { parts.append("\(rest / size) \(unit)") }
            rest %= size
        }
        return parts.prefix(2).joined(separator: " ")
    }
}
