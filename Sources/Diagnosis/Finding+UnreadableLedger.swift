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
}
