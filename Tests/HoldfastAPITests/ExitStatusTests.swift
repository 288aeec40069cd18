// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI
import MountModel
import Testing

@Suite("Exit statuses")
struct ExitStatusTests {
    @Test("are the ones that scripts rely on")
    func table() {
        let expected: [String: Int32] = [
            "invalid_argument": 65, "permission_denied": 77, "not_found": 66, "conflict": 75, "busy": 75,
            "mount_failed": 73, "timed_out": 75, "stuck": 75, "cancelled": 75, "foreign": 75, "unsupported": 69,
            "resource_exhausted": 75, "unavailable": 69, "internal": 70,
        ]
        let actual = MountError.Code.allCases.map { ($0.rawValue, $0.exitStatus.rawValue) }
        #expect(Dictionary(uniqueKeysWithValues: actual) == expected)
    }

    @Test("an unknown code is an internal error")
    func unknownCode() {
        var problem = Samples.problem
        #expect(problem.exitStatus == .mountFailed)
        problem.code = "from_the_future"
        #expect(problem.exitStatus.rawValue == 70)
    }
}
