// SPDX-License-Identifier: Apache-2.0

import GRDB
public import MountModel
public import SystemPackage

extension SQLiteLedger {
    /// Throws where others have taken the ledger's files from their place: then nothing is committed any more.
    ///
    /// What it holds can be read still; it is saved, once, in the folder that `open` was given, and the error's hint
    /// says where. It ends when the same files are back. The caller's thread is not blocked.
    public func checkPlace() async throws(MountError) {
        guard let place, !isClosed else { return }
        try await check(place)
    }

    /// The copy that was saved last in a folder, if there is one. Blocks.
    ///
    /// - Throws: `unavailable` where the folder cannot be looked into.
    public static func lastCopy(in folder: FilePath) throws(MountError) -> FilePath? {
        do throws(LedgerOpenError) { return try LedgerPlace.lastCopy(in: folder) } catch { throw error.error }
    }

    /// The same, for one that is being closed.
    func check(_ place: LedgerPlace) async throws(MountError) {
        let (folder, before) = (copyFolder, savedCopy)
        let (copy, loss) = await onWriterQueue { database -> (FilePath?, MountError?) in
            do throws(MountError) {
                try place.check()
                return (nil, nil)
            } catch {
                return Self.save(database, at: place, in: folder, unless: before, after: error)
            }
        }
        savedCopy = copy
        if let loss { throw loss }
    }

    private static func save(
        _ database: Database, at place: LedgerPlace, in folder: FilePath?, unless before: FilePath?,
        after loss: MountError
    ) -> (FilePath?, MountError) {
        var loss = loss
        let back = "put the same files back, and holdfastd goes on by itself; "
        do {
            guard let copy = try before ?? folder.map({ try place.save(database, in: $0) }) else {
                loss.hint = back + "it must not be stopped before: what is recorded is nowhere else"
                return (nil, loss)
            }
            let file = loss.context.target ?? fileName
            loss.hint =
                back + "or stop it, put \(copy), a copy of all that is recorded, in place as \(file), without a "
                + "\(fileName)-wal beside it, and start holdfastd"
            return (copy, loss)
        } catch {
            loss.hint =
                back + "it must not be stopped before: what is recorded is nowhere else, and no copy could be made in "
                + "\(folder, default: "")"
            loss.cleanupFailures.append("\(error)")
            return (nil, loss)
        }
    }
}
