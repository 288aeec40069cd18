// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import holdfast_torture

/// What a client may conclude from an answer, and what must be called a violation.
@Suite struct KeyRecordTests {
    @Test func whatWasAcknowledgedMustBeSo() {
        var record = KeyRecord()
        #expect(record.complaint(isThere: true) != nil)
        #expect(record.noteAttach(.done(changed: true)) == nil)
        #expect(record.complaint(isThere: true) == nil)
        #expect(record.complaint(isThere: false) == "an acknowledged attachment is missing")
        #expect(record.noteAttach(.done(changed: false)) == nil)
        #expect(record.noteDetach(.done(changed: true)) == nil)
        #expect(record.complaint(isThere: true) == "an acknowledged detach is undone")
        #expect(record.complaint(isThere: false) == nil)
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
        #expect(record.complaint(isThere: true) == "an attach that failed is there")
        _ = record.noteAttach(.done(changed: true))
        _ = record.noteDetach(.refused)
        _ = record.noteAttach(.refused)
        _ = record.noteDetach(.notSent)
        #expect(record.complaint(isThere: false) != nil)
    }

    @Test func withoutAnAnswerEitherIsTrueUntilTheDaemonHasEnded() {
        var record = KeyRecord()
        _ = record.noteAttach(.unanswered)
        #expect(record.complaint(isThere: true) == nil)
        #expect(record.complaint(isThere: false) == nil)
        // It may still be under way, and be carried out after this.
        #expect(record.noteDetach(.done(changed: false)) == nil)
        #expect(record.complaint(isThere: true) == nil)
        record.adopt(isThere: true)
        #expect(record.complaint(isThere: false) != nil)
    }
}
