// SPDX-License-Identifier: Apache-2.0

/// What ends an attachment.
public enum Lease: String, Hashable, Sendable, CaseIterable {
    /// Its detach, or a reboot, which ends its mount as well.
    case explicit
    /// Its detach only: after a reboot its filesystem is mounted again for it.
    case persistent

    /// Reads a lease's name as a caller writes it.
    ///
    /// - Throws: `invalid_argument`, which names those that there are.
    public init(named name: String) throws(MountError) {
        guard let lease = Lease(rawValue: name) else {
            throw .invalidArgument(
                "there is no lease '\(InputText.quoted(name))'",
                hint: "the leases are \(Self.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self = lease
    }
}
