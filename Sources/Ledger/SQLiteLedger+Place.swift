// SPDX-License-Identifier: Apache-2.0

public import MountModel
public import SystemPackage

extension SQLiteLedger {
    /// Throws where others have taken the ledger's files from their place: then nothing is committed any more.
    ///
    /// What it holds can be read still; it is saved, once, in the folder that `open` was given, and the error's hint
    /// says where. It ends when the same files are back: the copy is removed then. The caller's thread is not blocked.
    public func checkPlace() async throws(MountError) {
        guard !isClosed else { return }
        try await check()
    }

    /// The copy of a ledger that was taken away, where one is in a folder. Blocks.
    ///
    /// That there is none is durable: whoever has removed it, a power cut does not bring it back, older by then than
    /// what was recorded since.
    ///
    /// - Throws: `unavailable` where the folder cannot be looked into, or not be synced.
    public static func savedCopy(in folder: FilePath) throws(MountError) -> FilePath? {
        let (files, copy) = (LedgerFiles(folder: folder), SavedLedger.copy(in: folder))
        do throws(LedgerOpenError) {
            if try files.status(of: copy) != nil { return copy }
            try files.sync(folder)
            return nil
        } catch {
            throw error.error
        }
    }

    /// Gives that copy a name under which it decides nothing any more; one of earlier that has it is replaced. Blocks.
    ///
    /// - Returns: its new name.
    /// - Throws: `unavailable` for what the kernel refuses.
    public static func giveUpSavedCopy(in folder: FilePath) throws(MountError) -> FilePath {
        do throws(LedgerOpenError) { return try SavedLedger.giveUp(in: folder) } catch { throw error.error }
    }

    /// The same as `checkPlace`, for one that is being closed.
    func check() async throws(MountError) {
        let (place, saved) = (place, saved)
        let result: Result<Void, MountError> = await onWriterQueue { database in
            do throws(MountError) { return .success(try saved.check(place, database)) } catch { return .failure(error) }
        }
        try result.get()
    }
}
