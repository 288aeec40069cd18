// SPDX-License-Identifier: Apache-2.0

import Testing

extension Conformance {
    /// What the source of changes tells after which step, on both kernels.
    @Suite struct ChangeTests {
        @Test func `each change is told once, as it is when it is asked for`() async throws {
            try await expect([
                (.build("a", .tmpfs), []), (.place("a", at: "x"), ["a on root at root/x"]),
                (.inspect("x", expecting: "a"), []), (.act(.open("f", at: "root/x")), []),
                (.unmount("a", from: "x"), []), (.act(.close("f")), []),
                (.act(.mount("root/x")), ["others4 on a at root/x"]), (.act(.unmount("root/x")), ["others4 gone"]),
                (.act(.move("root/x", to: "elsewhere/1")), ["a gone", "a on host at elsewhere/1"]),
                (.act(.move("elsewhere/1", to: "root/x")), ["a gone", "a on root at root/x"]),
                (.park("a", from: "x"), ["a gone", "a on parking at parking/slot of a"]),
                (.inspect("x", expecting: "a"), ["a gone", "a on root at root/x"]),
                (.unmount("a", from: "x"), ["a gone"]),
                (.removeFolder("x"), []), (.build("b", .tmpfs), []), (.close("b"), []),
            ])
        }

        @Test func `a remount is not told`() async throws {
            try await expect([
                (.build("a", .tmpfs), []), (.place("a", at: "x"), ["a on root at root/x"]),
                (.act(.remount("root/x", [])), []), (.drift, []), (.restore("a", at: "x"), []),
                (.act(.share("root")), []), (.drift, []),
            ])
        }

        @Test func `what spreads is told for each copy`() async throws {
            try await expect([
                (.act(.share("root")), []),
                (.act(.bind("root", to: "elsewhere/1")), ["others3 on host at elsewhere/1"]),
                (.build("a", .tmpfs), []),
                (.place("a", at: "x"), ["a on root at root/x", "others5 on others3 at elsewhere/1/x"]),
                (.unmount("a", from: "x"), ["a gone", "others5 gone"]),
            ])
        }

        @Test func `more changes than the queue takes are everything`() async throws {
            try await expect([
                (.build("a", .tmpfs), []), (.place("a", at: "x"), ["a on root at root/x"]),
                (.act(.fillNamespace), ["everything"]), (.unmount("a", from: "x"), ["a gone"]),
                (.act(.emptyNamespace), ["everything"]), (.inspect("x", expecting: "a"), []),
            ])
        }

        private func expect(_ expected: [(step: Step, changes: [String])]) async throws {
            let comparison = try await Comparison(of: expected.map(\.step))
            for (number, (step, changes)) in expected.enumerated() {
                #expect(comparison.linux[number].changes == changes, "Linux, \(number). \(step)")
                #expect(comparison.simulated[number].changes == changes, "the simulation, \(number). \(step)")
            }
            if let report = comparison.report { Issue.record("\(report)") }
        }
    }
}
