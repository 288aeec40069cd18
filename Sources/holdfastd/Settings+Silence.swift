// SPDX-License-Identifier: Apache-2.0

internal import MountManager
internal import MountModel

extension ProbePolicy {
    /// Checks what the file says.
    ///
    /// - Throws: `invalid_argument`, which names the setting.
    init(_ table: SettingsFile.ProbeTable?) throws(MountError) {
        self.init()
        if let seconds = table?.intervalSeconds {
            guard (0...86_400).contains(seconds) else {
                throw .invalidArgument(
                    "interval_seconds of probe is \(seconds)", hint: "1 to 86400 are allowed, and 0 for never")
            }
            interval = seconds == 0 ? nil : .seconds(seconds)
        }
        if let seconds = table?.timeoutSeconds {
            guard (1...3600).contains(seconds) else {
                throw .invalidArgument("timeout_seconds of probe is \(seconds)", hint: "1 to 3600 are allowed")
            }
            limit = .seconds(seconds)
        }
    }
}

extension UnmountLadder {
    /// Checks what the file says.
    ///
    /// - Throws: `invalid_argument`, which names the setting.
    init(_ table: SettingsFile.UnmountTable?, _ probes: ProbePolicy) throws(MountError) {
        self.init()
        patience = probes.limit
        guard let text = table?.whenSilent else { return }
        guard let policy = Policy(rawValue: text) else {
            throw .invalidArgument(
                "when_silent of unmount is '\(InputText.quoted(text))'",
                hint: "one of \(Policy.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self.policy = policy
    }
}
