// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
public import MountModel
public import SystemPackage

extension LedgerSurvey {
    /// Reads the folder's names; one that is not there has none. Nothing is opened. Blocks.
    ///
    /// - Throws: `unavailable` where the folder cannot be read.
    public init(of folder: FilePath) throws(MountError) {
        do throws(LedgerOpenError) {
            self = try LedgerFiles(folder: folder).survey()
        } catch {
            throw error.error
        }
    }
}

extension LedgerFiles {
    /// Which ledgers are in the folder.
    func survey() throws(LedgerOpenError) -> LedgerSurvey {
        guard try status(of: folder) != nil else { return LedgerSurvey(of: folder, sizes: [:]) }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder.string)
        } catch {
            throw unavailable("read the folder \(folder)", "readdir", EIO)
        }
        var sizes: [String: Int64] = [:]
        for name in names where name.hasPrefix(LedgerSurvey.fileName) {
            if let found = try status(of: folder.appending(name)) { sizes[name] = Int64(found.st_size) }
        }
        return LedgerSurvey(of: folder, sizes: sizes)
    }
}
