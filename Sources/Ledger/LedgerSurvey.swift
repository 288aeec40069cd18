// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
public import MountModel
public import SystemPackage

/// Which files of a ledger a state folder holds; nothing is opened.
public struct LedgerSurvey: Hashable, Sendable {
    /// Whether there is a ledger, or a part of one. An empty file is none: a repair that failed leaves one.
    public var isThere: Bool
    /// Ledgers that could not be read and were moved aside, the oldest first.
    public var movedAside: [FilePath]

    /// Puts the parts together.
    public init(isThere: Bool, movedAside: [FilePath] = []) {
        self.isThere = isThere
        self.movedAside = movedAside
    }

    /// Reads the folder's names; one that is not there has none. Blocks.
    ///
    /// - Throws: `unavailable` where the folder cannot be read.
    public init(of folder: FilePath) throws(MountError) {
        let files = LedgerFiles(folder: folder)
        do throws(LedgerOpenError) {
            isThere = false
            for suffix in try files.suffixes(of: SQLiteLedger.fileName) {
                guard let found = try files.status(of: folder.appending(SQLiteLedger.fileName + suffix)) else {
                    continue
                }
                if found.st_size > 0 { isThere = true }
            }
            movedAside = try files.asideNumbers().map { folder.appending(SQLiteLedger.asideName($0)) }
        } catch {
            throw error.error
        }
    }
}

extension LedgerFiles {
    /// The numbers of the ledgers that were moved aside, ascending.
    func asideNumbers() throws(LedgerOpenError) -> [Int] {
        guard try status(of: folder) != nil else { return [] }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder.string)
        } catch {
            throw unavailable("read the folder \(folder)", "readdir", 5)
        }
        let prefix = SQLiteLedger.asideName(0).dropLast()
        let numbers = names.compactMap { name -> Int? in
            guard name.hasPrefix(prefix) else { return nil }
            return Int(name.dropFirst(prefix.count).prefix { $0.isNumber })
        }
        return Set(numbers).sorted()
    }
}
