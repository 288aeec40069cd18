// SPDX-License-Identifier: Apache-2.0

import MountModel
import SystemPackage
import Testing

@Suite("Which ledgers a state folder holds")
struct LedgerSurveyTests {
    @Test("a ledger is there with any part of it that is not empty")
    func isThere() {
        #expect(!survey([:]).isThere)
        #expect(survey(["ledger.sqlite": 1]).isThere)
        #expect(survey(["ledger.sqlite-wal": 1]).isThere)
        #expect(!survey(["ledger.sqlite": 0, "ledger.sqlite-wal": 0]).isThere)
        #expect(!survey(["ledger.sqlite.unreadable-1": 1, "ledger.sqlite.bak": 1, "holdfastd.lock": 1]).isThere)
    }

    @Test("those that were moved aside come in the order of their numbers, each once")
    func order() {
        let names = [10, 9, 1].map { "ledger.sqlite.unreadable-\($0)" }
        let survey = survey(Dictionary(uniqueKeysWithValues: (names + names.map { $0 + "-wal" }).map { ($0, 1) }))
        #expect(survey.movedAside == names.reversed().map { FilePath("/s").appending($0) })
        #expect(survey.asideNumbers == [1, 9, 10])
    }

    @Test("a log that was moved aside alone counts, and so does an empty file")
    func parts() {
        #expect(survey(["ledger.sqlite.unreadable-2-wal": 9]).movedAside == ["/s/ledger.sqlite.unreadable-2-wal"])
        #expect(survey(["ledger.sqlite.unreadable-2": 0]).movedAside == ["/s/ledger.sqlite.unreadable-2"])
    }

    @Test("other names do not count")
    func others() {
        let names = ["", "x", "0", "-1", "01", "1.bak", "1-wal2", "1-wal-shm", "+1", "١", "99999999999999999999"]
        let sizes = names.map { ("ledger.sqlite.unreadable-" + $0, Int64(1)) }
        #expect(survey(Dictionary(uniqueKeysWithValues: sizes)).movedAside == [])
    }

    private func survey(_ sizes: [String: Int64]) -> LedgerSurvey { LedgerSurvey(of: "/s", sizes: sizes) }
}
