// SPDX-License-Identifier: Apache-2.0

/// What a client has been told about one attachment, and what must therefore be true.
struct KeyRecord: Sendable {
    /// What is certain.
    enum Knowledge: Sendable { case gone, there, either }

    private(set) var knowledge = Knowledge.gone
    /// Whether a request without an answer may still be under way in the daemon: it may come to pass later than those
    /// that are sent after it. It ends with the daemon.
    private(set) var hasGhost = false
    /// Whether the last answer was that an attach had failed.
    private(set) var hasFailed = false
    /// What was written through the mount while it was attached.
    var file: WrittenFile?

    /// How a request ended, for who sent it.
    enum Outcome: Sendable {
        /// It was carried out; whether it changed anything.
        case done(changed: Bool)
        /// It was answered with a problem: nothing has changed.
        case refused
        /// It was sent and there was no answer.
        case unanswered
        /// Nobody was there to take it.
        case notSent
    }

    /// Takes note of an attach's end.
    ///
    /// - Returns: what is wrong with the answer.
    mutating func noteAttach(_ outcome: Outcome) -> String? {
        var complaint: String?
        switch outcome {
        case .done(let created):
            if !hasGhost, created && knowledge == .there { complaint = "an attachment that was there was made anew" }
            if !hasGhost, !created && knowledge == .gone { complaint = "an attachment that was gone was found" }
            knowledge = hasGhost ? .either : .there
            hasFailed = false
        case .refused: hasFailed = true
        case .unanswered: lose()
        case .notSent: break
        }
        return complaint
    }

    /// Takes note of a detach's end.
    ///
    /// - Returns: what is wrong with the answer.
    mutating func noteDetach(_ outcome: Outcome) -> String? {
        var complaint: String?
        if case .notSent = outcome { return nil }
        file = nil
        switch outcome {
        case .done(let changed):
            if !hasGhost, changed && knowledge == .gone { complaint = "an attachment that was gone was detached" }
            if !hasGhost, !changed && knowledge == .there { complaint = "an acknowledged attachment was not found" }
            knowledge = hasGhost ? .either : .gone
            hasFailed = false
        case .unanswered: lose()
        case .refused, .notSent: break
        }
        return complaint
    }

    private mutating func lose() {
        knowledge = .either
        hasGhost = true
        file = nil
    }

    /// Compares with what is there.
    func complaint(isThere: Bool) -> String? {
        switch (knowledge, isThere) {
        case (.there, false): "an acknowledged attachment is missing"
        case (.gone, true): hasFailed ? "an attach that failed is there" : "an acknowledged detach is undone"
        default: nil
        }
    }

    /// Takes over what is there, when no request can be under way any more.
    mutating func adopt(isThere: Bool) {
        knowledge = isThere ? .there : .gone
        hasGhost = false
        if !isThere { file = nil }
    }
}

/// A file that a client wrote through a mount.
struct WrittenFile: Hashable, Sendable {
    let path: String
    let content: String
    /// The mount that it was written through.
    let mountID: UInt64?
}
