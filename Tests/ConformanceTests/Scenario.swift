// SPDX-License-Identifier: Apache-2.0

import Testing

/// Steps with the answer that each is to get, on both kernels.
struct Scenario: Sendable, CustomTestStringConvertible {
    /// What it shows, as a sentence.
    let sentence: String
    let steps: [(step: Step, answer: String)]

    init(_ sentence: String, _ steps: [(step: Step, answer: String)]) {
        self.sentence = sentence
        self.steps = steps
    }

    var testDescription: String { sentence }

    static let all =
        building + placing + unmounting + others + moving + parking + folders + propagation + examining + events
        + limits
}

infix operator ~> : ComparisonPrecedence

/// The answer that a step is to get.
func ~> (step: Step, answer: String) -> (step: Step, answer: String) { (step, answer) }

extension Scenario {
    /// A mount of ours at `x`.
    static let mounted: [(step: Step, answer: String)] = [
        .build("a", .tmpfs) ~> "built", .place("a", at: "x") ~> "ours",
    ]

    static func act(_ act: Act, _ answer: String = "done") -> (step: Step, answer: String) { .act(act) ~> answer }
}
