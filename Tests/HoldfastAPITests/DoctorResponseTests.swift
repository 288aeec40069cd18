// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI
import MountModel
import Testing

@Suite("A diagnosis on the wire")
struct DoctorResponseTests {
    @Test("a finding keeps everything, and only notices are well", arguments: Finding.Severity.allCases)
    func finding(severity: Finding.Severity) {
        let entry = DoctorResponse.Entry(
            Finding("disk_full", severity, what: "it is full", why: "nothing fits", action: "free space"))
        #expect(
            entry
                == DoctorResponse.Entry(
                    code: "disk_full", severity: severity.rawValue, what: "it is full", why: "nothing fits",
                    action: "free space"))
        #expect(DoctorResponse(findings: [entry]).ok == (severity == .notice))
    }
}
