// SPDX-License-Identifier: Apache-2.0

#if DEBUG
    package import MountModel

    /// One failpoint that is armed.
    package struct FailpointTrigger: Sendable {
        /// What happens there: `kill` ends the daemon, and the worker that has come by; `orphan` the daemon only;
        /// `stop` stops the daemon, and who has come by goes on when it does.
        package enum Action: String, Sendable { case kill, orphan, stop }

        /// The name that stands for any point.
        package static let any = "any"

        let name: String
        let action: Action
        let passage: UInt64

        /// Reads a list of `NAME[:N][=kill|orphan|stop]`; an empty text is an empty one.
        ///
        /// - Throws: `invalid_argument` for what is not a failpoint.
        package static func list(
            _ text: String, isKnown: (String) -> Bool
        ) throws(MountError) -> [FailpointTrigger] {
            var list: [FailpointTrigger] = []
            for item in text.split(separator: ",") {
                let halves = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                let parts = halves[0].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                let name = String(parts[0])
                guard name == Self.any || isKnown(name),
                    let passage = parts.count == 1 ? 1 : UInt64(parts[1]), passage > 0,
                    let action = halves.count == 1 ? .kill : Action(rawValue: String(halves[1]))
                else {
                    throw .invalidArgument(
                        "HOLDFAST_FAILPOINT: '\(InputText.quoted(String(item)))' is not NAME[:N][=kill|orphan|stop]",
                        hint: "'holdfastd failpoints' lists the names")
                }
                list.append(FailpointTrigger(name: name, action: action, passage: passage))
            }
            return list
        }
    }
#endif
