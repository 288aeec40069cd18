// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import holdfast_torture

/// What a client may conclude from an answer, and what must be called a violation.
@Suite struct KeyRecordTests {
    private let ordinary = HeldAttachment(id: "a", isPersistent: false)
    private let persistent = HeldAttachment(id: "a", isPersistent: true)

    @Test func whatWasAcknowledgedMustBeSo() {
        var record = KeyRecord()
        #expect(record.complaint(finding: ordinary) != nil)
        #expect(record.noteAttach(.done(changed: true)) == nil)
        #expect(record.complaint(finding: ordinary) == nil)
        #expect(record.complaint(finding: nil) == "an acknowledged attachment is missing")
        #expect(record.noteAttach(.done(changed: false)) == nil)
        #expect(record.noteDetach(.done(changed: true)) == nil)
        #expect(record.complaint(finding: ordinary) == "an acknowledged detach is undone")
        #expect(record.complaint(finding: nil) == nil)
    }

    @Test func anAnswerThatContradictsAnEarlierOneIsAComplaint() {
        var record = KeyRecord()
        #expect(record.noteAttach(.done(changed: false)) != nil)
        #expect(record.noteAttach(.done(changed: true)) != nil)
        #expect(record.noteDetach(.done(changed: false)) != nil)
        #expect(record.noteDetach(.done(changed: true)) != nil)
    }

    @Test func whatWasRefusedHasChangedNothing() {
        var record = KeyRecord()
        _ = record.noteAttach(.refused)
        #expect(record.complaint(finding: ordinary) == "an attach that failed is there")
        _ = record.noteAttach(.done(changed: true))
        _ = record.noteDetach(.refused)
        _ = record.noteAttach(.refused)
        _ = record.noteDetach(.notSent)
        #expect(record.complaint(finding: nil) != nil)
    }

    @Test func withoutAnAnswerEitherIsTrueUntilTheDaemonHasEnded() {
        var record = KeyRecord()
        _ = record.noteAttach(.unanswered)
        #expect(record.complaint(finding: ordinary) == nil)
        #expect(record.complaint(finding: nil) == nil)
        // It may still be under way, and be carried out after this.
        #expect(record.noteDetach(.done(changed: false)) == nil)
        #expect(record.complaint(finding: ordinary) == nil)
        record.adopt(ordinary)
        #expect(record.complaint(finding: nil) != nil)
    }

    @Test func aLeaseBecomesLongerAndNeverShorter() {
        var record = KeyRecord()
        #expect(record.noteAttach(.done(changed: true), answer: ordinary) == nil)
        #expect(record.complaint(finding: persistent) == "an ordinary attachment is persistent")
        #expect(record.noteAttach(.done(changed: false), persistent: true, answer: ordinary) != nil)
        #expect(record.noteAttach(.done(changed: false), persistent: true, answer: persistent) == nil)
        #expect(record.complaint(finding: ordinary) == "a persistent attachment is ordinary")
        #expect(record.noteAttach(.done(changed: false), answer: persistent) == nil)
        #expect(record.noteAttach(.done(changed: false), answer: ordinary) != nil)
    }

    @Test func anAttachThatWasRefusedMayHaveMadeItPersistent() {
        var record = KeyRecord()
        _ = record.noteAttach(.done(changed: true), answer: ordinary)
        _ = record.noteAttach(.refused)
        #expect(record.complaint(finding: persistent) != nil)
        _ = record.noteAttach(.refused, persistent: true)
        #expect(record.complaint(finding: persistent) == nil)
        #expect(record.complaint(finding: ordinary) == nil)
        #expect(record.complaint(finding: nil) != nil)
        var seen = record
        seen.adopt(ordinary)
        #expect(seen.complaint(finding: persistent) != nil)
        record.reboot(keepsFiles: true)
        #expect(record.complaint(finding: nil) == nil)
    }

    @Test func theIdStays() {
        var record = KeyRecord()
        _ = record.noteAttach(.done(changed: true), answer: ordinary)
        #expect(record.complaint(finding: HeldAttachment(id: "b", isPersistent: false)) != nil)
        // The ledger has none.
        #expect(record.complaint(finding: HeldAttachment(id: nil, isPersistent: false)) == nil)
    }

    @Test func aRebootLeavesWhatIsPersistentOnly() {
        var record = KeyRecord()
        _ = record.noteAttach(.done(changed: true), persistent: true, answer: persistent)
        record.file = WrittenFile(path: "/x", content: "x", mountID: 7)
        record.reboot(keepsFiles: true)
        #expect(record.complaint(finding: nil) == "an acknowledged attachment is missing")
        #expect(record.complaint(finding: HeldAttachment(id: "b", isPersistent: true)) != nil)
        #expect(record.file == WrittenFile(path: "/x", content: "x", mountID: nil))
        record.reboot(keepsFiles: false)
        #expect(record.file == nil)
        var other = KeyRecord()
        _ = other.noteAttach(.done(changed: true), answer: ordinary)
        other.reboot(keepsFiles: true)
        // Until the next daemon's first write it is in the ledger.
        #expect(other.complaint(finding: ordinary) == nil)
        #expect(other.complaint(finding: nil) == nil)
    }
}
