// SPDX-License-Identifier: Apache-2.0

import Glibc
public import MountModel
public import SystemPackage

extension SQLiteLedger {
    /// Moves a ledger that cannot be read out of the way: `ledger.sqlite` becomes `ledger.sqlite.unreadable-<n>`, and its
    /// log and index go with it (`…-<n>-wal`), so that `sqlite3` still finds them together. Nothing is overwritten,
    /// changed or deleted. Blocks (`man 2 rename`, `man 2 fsync`).
    ///
    /// To be called only after `open` has thrown `unreadable`, with the daemon's lock held.
    ///
    /// - Returns: the name that the ledger has now.
    /// - Throws: `not_found` where there is nothing to move; `unavailable` where a file cannot be moved.
    public static func moveAside(in folder: FilePath) throws(MountError) -> FilePath {
        let files = LedgerFiles(folder: folder)
        do throws(LedgerOpenError) {
            // The ledger first: if this is interrupted, the log that is left alone stops `open`, whereas a ledger without
            // its log would look whole and be of yesterday.
            let suffixes = try files.suffixes(of: fileName)
            if suffixes.isEmpty {
                throw LedgerOpenError(
                    .unavailable, MountError(.notFound, "cannot move \(files.file) aside: it does not exist"))
            }
            let name = try freeName(in: files)
            for suffix in suffixes {
                let old = folder.appending(fileName + suffix)
                let new = folder.appending(name + suffix)
                // SAFETY: both pointers live as long as the closures, and rename keeps none.
                let result = old.withPlatformString { old in new.withPlatformString { new in rename(old, new) } }
                guard result == 0 else { throw files.unavailable("move \(old) to \(new)", "rename", errno) }
            }
            try files.sync(folder)
            return folder.appending(name)
        } catch {
            throw error.error
        }
    }

    /// The first number whose names are all free. Only the daemon, which holds its lock, makes names here.
    private static func freeName(in files: LedgerFiles) throws(LedgerOpenError) -> String {
        var number = 1
        while true {
            let name = "\(fileName).unreadable-\(number)"
            if try files.suffixes(of: name).isEmpty { return name }
            number += 1
        }
    }
}
