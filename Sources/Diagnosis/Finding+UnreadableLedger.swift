// SPDX-License-Identifier: Apache-2.0

public import MountModel

extension Finding {
    /// The ledger could not be read, and no other is in its place.
    ///
    /// - Parameters:
    ///   - what: what was found.
    ///   - why: what follows from it.
    ///   - movedTo: where it is now; nil where it is still in its place.
    public static func unreadableLedger(_ what: String, why: String, movedTo: String?) -> Finding {
        Finding(
            "ledger_unreadable", .error, what: what, why: why,
            action:
                "put a ledger that can be read in its place: a backup, or a copy of \(movedTo ?? "the file"), repaired "
                + "with sqlite3 if need be; or begin a new one: stop holdfastd, and run 'holdfastd run --new-ledger' "
                + "once; "
                + "mounts that are there stay untouched and have to be unmounted by hand")
    }

    /// The ledger was taken from under a daemon, which saved a copy, and nobody has decided yet what holds.
    ///
    /// - Parameters:
    ///   - copy: where the copy is.
    ///   - ledger: the ledger's own place.
    public static func savedLedger(_ copy: String, of ledger: String, why: String) -> Finding {
        Finding(
            "ledger_lost", .error,
            what: "the ledger was taken from under holdfastd, which saved \(copy), a copy of all that was recorded",
            why: why,
            action:
                "to use the copy: stop holdfastd, remove \(ledger)-wal if it is there, move \(copy) to "
                + "\(ledger) (mv), and start holdfastd; do it before the host reboots, for the copy's folder is "
                + "usually in memory; or, when the files that were taken away are back in their place, stop it, remove "
                + "the copy, and start it; or stop it, and run 'holdfastd run --new-ledger' once: it gives up the "
                + "copy, and goes on with the ledger that is in place, or with an empty one")
    }
}
