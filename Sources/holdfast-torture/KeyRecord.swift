// SPDX-License-Identifier: Apache-2.0

/// What a client has been told about one attachment, and what must therefore be true.
struct KeyRecord: Sendable {
    /// What is certain.
    enum Knowledge: Sendable { case gone, there, either }

    private(set) var knowledge = Knowledge.gone
    /// How it is attached, where it is certain that it is.
    private(set) var held: HeldAttachment?
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
    /// - Parameters:
    ///   - asked: whether it was to be persistent.
    ///   - answer: what was acknowledged, if it was.
    /// - Returns: what is wrong with the answer.
    mutating func noteAttach(
        _ outcome: Outcome, persistent asked: Bool = false, answer: HeldAttachment? = nil
    ) -> String? {
        var complaint: String?
        switch outcome {
        case .done(let created):
            if !hasGhost, created && knowledge == .there { complaint = "an attachment that was there was made anew" }
            if !hasGhost, !created && knowledge == .gone { complaint = "an attachment that was gone was found" }
            if let answer, answer.isPersistent == false, asked {
                complaint = "an attachment was to be persistent and is not"
            }
            if let answer, let held, !created {
                // A lease only ever becomes longer.
                let wanted = HeldAttachment(id: held.id, isPersistent: asked ? true : held.isPersistent)
                complaint = complaint ?? wanted.difference(from: answer)
            }
            knowledge = hasGhost ? .either : .there
            held = hasGhost ? nil : answer
            hasFailed = false
        case .refused:
            hasFailed = true
            // Its write may have been durable before the mount turned out to be covered: the lease stays the longer
            // one.
            if let id = held?.id, asked, held?.isPersistent == false {
                held = HeldAttachment(id: id, isPersistent: nil)
            }
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
            held = nil
            hasFailed = false
        case .unanswered: lose()
        case .refused, .notSent: break
        }
        return complaint
    }

    private mutating func lose() {
        knowledge = .either
        hasGhost = true
        held = nil
        file = nil
    }

    /// Compares with what is there, if it is.
    func complaint(finding found: HeldAttachment?) -> String? {
        switch (knowledge, found) {
        case (.there, nil): "an acknowledged attachment is missing"
        case (.gone, _?): hasFailed ? "an attach that failed is there" : "an acknowledged detach is undone"
        case (.there, let found?): held?.difference(from: found)
        default: nil
        }
    }

    /// Takes over what is there, when no request can be under way any more.
    mutating func adopt(_ found: HeldAttachment?) {
        knowledge = found == nil ? .gone : .there
        held = found
        hasGhost = false
        if found == nil { file = nil }
    }

    /// The host has rebooted: what is persistent must be there again, on a new mount; of the rest nothing may be left
    /// once that is looked at, which whoever looks makes sure of.
    ///
    /// - Parameter keepsFiles: what was written outlives its mount.
    mutating func reboot(keepsFiles: Bool) {
        guard knowledge == .there, held?.isPersistent == true else {
            if knowledge == .there { knowledge = .either }
            held = nil
            file = nil
            return
        }
        file = keepsFiles ? file.map { WrittenFile(path: $0.path, content: $0.content, mountID: nil) } : nil
    }
}

/// A file that a client wrote through a mount.
struct WrittenFile: Hashable, Sendable {
    let path: String
    let content: String
    /// The mount that it was written through; nil since a reboot.
    let mountID: UInt64?
}
