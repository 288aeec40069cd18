// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI
import MountManager
import MountModel

/// What `/metrics` answers: the text format 0.0.4 of Prometheus, which OpenMetrics scrapers read too.
struct MetricsText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var text = ""

    /// Says all that is known.
    init(_ status: StatusResponse, _ requests: [RequestTally.Place: RequestTally.Count]) {
        add("build_info", "gauge", "The daemon's version; the number is always 1.", ["version": status.version], 1)
        add("uptime_seconds", "gauge", "How long the daemon has been running.", value: status.uptimeSeconds)
        add("read_only", "gauge", "1 where nothing is attached or detached.", value: status.readOnly == nil ? 0 : 1)
        let states = Set(MountpointState.Phase.allCases.map(\.rawValue) + ["unresponsive", "unrecorded"])
        add(
            "mounts", "gauge", "Mountpoints by state.",
            states.union(status.mounts.keys).sorted().map { (["state": $0], Double(status.mounts[$0] ?? 0)) })
        add("attachments", "gauge", "Attachments.", value: Double(status.attachments))
        let limits = status.limits.sorted { $0.key < $1.key }
        add("limit", "gauge", "How much there may be.", limits.map { (["of": $0.key], Double($0.value.limit)) })
        add("limit_used", "gauge", "How much there is.", limits.map { (["of": $0.key], Double($0.value.used)) })
        if let workers = status.workers {
            add("workers", "gauge", "Worker processes.", value: Double(workers["running"] ?? 0))
            add(
                "workers_stuck", "gauge", "Those of them that were killed and have not ended: the kernel keeps them.",
                value: Double(workers["stuck"] ?? 0))
            add("workers_killed_total", "counter", "Those that were killed.", value: Double(workers["killed"] ?? 0))
        }
        if let ledger = status.ledger {
            add("ledger_commits_total", "counter", "Transactions of the ledger.", value: Double(ledger["commits"] ?? 0))
            add(
                "ledger_changes_total", "counter", "Changes in them: many may share one.",
                value: Double(ledger["changes"] ?? 0))
            add(
                "ledger_full_syncs_total", "counter", "Those transactions that waited for the device.",
                value: Double(ledger["full_syncs"] ?? 0))
            add(
                "ledger_refused_total", "counter", "Changes that could not be written.",
                value: Double(ledger["refused"] ?? 0))
        }
        add(requests.sorted { $0.key < $1.key })
    }

    private mutating func add(_ requests: [(key: RequestTally.Place, value: RequestTally.Count)]) {
        add(
            "requests_total", "counter", "Requests that were answered, by route and status.",
            requests.flatMap { place, count in
                count.byStatus.sorted { $0.key < $1.key }.map { status, number in
                    (["method": place.method, "route": place.route, "status": "\(status)"], Double(number))
                }
            })
        begin("request_duration_seconds", "histogram", "How long that took, by route.")
        for (place, count) in requests {
            let labels = ["method": place.method, "route": place.route]
            var sum = 0
            for (bound, number) in zip(RequestTally.bounds, count.byDuration) {
                sum += number
                line("request_duration_seconds_bucket", labels.merging(["le": "\(bound)"]) { $1 }, Double(sum))
            }
            line("request_duration_seconds_bucket", labels.merging(["le": "+Inf"]) { $1 }, Double(count.total))
            line("request_duration_seconds_sum", labels, count.duration / .seconds(1))
            line("request_duration_seconds_count", labels, Double(count.total))
        }
    }

    private mutating func add(_ name: String, _ kind: String, _ help: String, value: Double) {
        add(name, kind, help, [([:], value)])
    }

    private mutating func add(
        _ name: String, _ kind: String, _ help: String, _ labels: [String: String], _ value: Double
    ) {
        add(name, kind, help, [(labels, value)])
    }

    private mutating func add(_ name: String, _ kind: String, _ help: String, _ values: [([String: String], Double)]) {
        begin(name, kind, help)
        for (labels, value) in values { line(name, labels, value) }
    }

    private mutating func begin(_ name: String, _ kind: String, _ help: String) {
        text += "# HELP holdfast_\(name) \(help)\n# TYPE holdfast_\(name) \(kind)\n"
    }

    private mutating func line(_ name: String, _ labels: [String: String], _ value: Double) {
        let words = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }
        let braces = words.isEmpty ? "" : "{\(words.joined(separator: ","))}"
        let number = value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
        text += "holdfast_\(name)\(braces) \(number)\n"
    }

    private static func escaped(_ value: String) -> String {
        value.reduce(into: "") { text, character in
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.append(character)
            }
        }
    }
}
