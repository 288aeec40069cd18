// SPDX-License-Identifier: Apache-2.0

public import MountModel

extension DoctorResponse.Entry {
    /// A finding as it goes over the wire.
    public init(_ finding: Finding) {
        self.init(
            code: finding.code, severity: finding.severity.rawValue, what: finding.what, why: finding.why,
            action: finding.action)
    }
}
