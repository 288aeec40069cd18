// SPDX-License-Identifier: Apache-2.0

/// A promise that was not kept, and all that there is to find out why.
struct Violation: Error, CustomStringConvertible {
    var complaints: [String]
    /// Where in the run it was.
    var moment = ""
    /// What the clients know of the keys in question.
    var records: [String] = []
    var log: [String] = []

    var description: String {
        (["VIOLATION \(moment)"] + complaints.map { "  \($0)" } + ["the clients' record:"]
            + records.map { "  \($0)" } + ["the daemon's log:"] + log.map { "  \($0)" }).joined(separator: "\n")
    }
}
