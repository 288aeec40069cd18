// SPDX-License-Identifier: Apache-2.0

import MountExplorer
import MountModel
import Testing

@Suite struct ExplorerTests {
    @Test func `the first row is explored without a violation`() {
        var explorer = Explorer(Scenario.rows[0])
        let report = explorer.run()
        #expect(report.violation == nil, "\(report.violation.map(\.description) ?? "")")
        #expect(report.states > 20_000)
        #expect(report.depth > 20)
    }
}
