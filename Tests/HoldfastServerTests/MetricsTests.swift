// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI
import MountModel
import Testing

@testable import HoldfastServer

/// The text that Prometheus reads, read by the rules of its format.
extension HTTPServerTests {
    @Suite struct MetricsTests {
        private struct Sample: Hashable {
            var name: String
            var labels: [String: String]
            var value: Double
        }

        /// Reads the text, and is content with nothing that the format does not say.
        private func parse(_ text: String) throws -> (kinds: [String: String], samples: [Sample]) {
            try #require(text.hasSuffix("\n"))
            var kinds: [String: String] = [:]
            var helped: Set<String> = []
            var samples: [Sample] = []
            var family = ""
            for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
                let words = line.split(separator: " ", maxSplits: 3).map(String.init)
                if line.hasPrefix("# HELP ") {
                    family = words[2]
                    try #require(words.count == 4 && helped.insert(family).inserted, "\(line)")
                } else if line.hasPrefix("# TYPE ") {
                    try #require(words[2] == family && kinds[family] == nil, "\(line)")
                    try #require(["counter", "gauge", "histogram"].contains(words[3]), "\(line)")
                    kinds[family] = words[3]
                } else {
                    let sample = try sample(String(line))
                    let suffixes = kinds[family] == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
                    try #require(suffixes.contains { sample.name == family + $0 }, "\(line)")
                    samples.append(sample)
                }
            }
            #expect(Set(samples).count == samples.count)
            return (kinds, samples)
        }

        private func sample(_ line: String) throws -> Sample {
            let pattern = /([a-z_]+)(?:\{(.*)\})? (\S+)/
            let match = try #require(line.wholeMatch(of: pattern), "\(line)")
            var labels: [String: String] = [:]
            for label in (match.2 ?? "").matches(of: /([a-z]+)="((?:[^"\\]|\\.)*)"(?:,|$)/) {
                try #require(labels.updateValue(String(label.2), forKey: String(label.1)) == nil, "\(line)")
            }
            return Sample(name: String(match.1), labels: labels, value: try #require(Double(match.3)))
        }

        private func value(_ name: String, _ labels: [String: String] = [:], in samples: [Sample]) -> Double? {
            samples.first { $0.name == "holdfast_" + name && $0.labels == labels }?.value
        }

        @Test func `the daemon's numbers are those of its status, and a state without a mount is 0`() throws {
            var status = Samples.statusResponse
            status.version = #"1 "a\b""#
            status.mounts = ["mounted": 3]
            status.workers = ["running": 4, "stuck": 1, "killed": 7]
            status.ledger = ["commits": 5, "changes": 9, "full_syncs": 2, "refused": 1]
            status.limits = ["builds": LimitUse(used: 2, limit: 16)]
            let (kinds, samples) = try parse(MetricsText(status, [:]).text)
            #expect(value("build_info", ["version": #"1 \"a\\b\""#], in: samples) == 1)
            #expect(value("mounts", ["state": "mounted"], in: samples) == 3)
            #expect(value("mounts", ["state": "stuck"], in: samples) == 0)
            #expect(value("mounts", ["state": "unresponsive"], in: samples) == 0)
            #expect(value("workers", in: samples) == 4)
            #expect(value("workers_stuck", in: samples) == 1)
            #expect(value("workers_killed_total", in: samples) == 7)
            #expect(value("ledger_changes_total", in: samples) == 9)
            #expect(value("limit_used", ["of": "builds"], in: samples) == 2)
            #expect(value("limit", ["of": "builds"], in: samples) == 16)
            #expect(value("read_only", in: samples) == 1)
            status.readOnly = nil
            #expect(value("read_only", in: try parse(MetricsText(status, [:]).text).samples) == 0)
            for (name, kind) in kinds { #expect((kind == "counter") == name.hasSuffix("_total"), "\(name)") }
        }

        @Test func `durations are counted in the first bucket that holds them, and in all wider ones`() throws {
            let tally = RequestTally()
            let place = RequestTally.Place(method: "GET", route: "/v1/mounts")
            for seconds in [0.0005, 0.001, 0.05, 60] { tally.note(place, status: 200, duration: .seconds(seconds)) }
            tally.note(place, status: 503, duration: .milliseconds(500))
            let (_, samples) = try parse(MetricsText(Samples.statusResponse, tally.now).text)
            let labels = ["method": "GET", "route": "/v1/mounts"]
            let buckets = ["0.001", "0.01", "0.1", "1.0", "10.0", "+Inf"].map {
                value("request_duration_seconds_bucket", labels.merging(["le": $0]) { $1 }, in: samples)
            }
            #expect(buckets == [2, 2, 3, 4, 4, 5])
            #expect(value("request_duration_seconds_count", labels, in: samples) == 5)
            let sum = try #require(value("request_duration_seconds_sum", labels, in: samples))
            #expect(abs(sum - 60.5515) < 0.000_001)
            #expect(value("requests_total", labels.merging(["status": "200"]) { $1 }, in: samples) == 4)
            #expect(value("requests_total", labels.merging(["status": "503"]) { $1 }, in: samples) == 1)
        }

        @Test func `requests are counted by route, and what a client writes is in no label`() async throws {
            try await withServer { server in
                _ = try await server.ask("GET", "/v1/mounts/m-secret")
                _ = try await server.ask("GET", "/v1/mounts/m-other")
                _ = try await server.ask("GET", "/v1/no-such-route")
                _ = try await server.ask("PUT", "/v1/mounts")
                let response = try await server.ask("GET", "/metrics")
                #expect(response.status == 200)
                #expect(response.fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
                let text = String(decoding: response.body, as: UTF8.self)
                let (_, samples) = try parse(text)
                let mount = ["method": "GET", "route": "/v1/mounts/{id}", "status": "200"]
                #expect(value("requests_total", mount, in: samples) == 2)
                let other = ["method": "other", "route": "other"]
                #expect(value("requests_total", other.merging(["status": "404"]) { $1 }, in: samples) == 1)
                #expect(value("requests_total", other.merging(["status": "405"]) { $1 }, in: samples) == 1)
                for word in ["secret", "no-such", "PUT"] { #expect(!text.contains(word)) }
            }
        }
    }
}
