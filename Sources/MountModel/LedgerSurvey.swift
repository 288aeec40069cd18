// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// Which ledgers a state folder holds, told from the names and sizes of what is in it.
public struct LedgerSurvey: Hashable, Sendable {
    /// The ledger's name.
    public static let fileName = "ledger.sqlite"
    /// What follows the name: nothing for the database itself, and what SQLite keeps beside it: the write-ahead log, an
    /// index of it where others share the file, and the rollback journal of the first moments.
    public static let suffixes = ["", "-wal", "-shm", "-journal"]
    /// The name, in the runtime folder, of the copy of a ledger that was taken from under the daemon.
    public static let savedName = "ledger-saved.sqlite"
    /// The name of the n-th ledger that could not be read and was moved aside; its log and index have it too.
    public static func asideName(_ number: Int) -> String { "\(fileName).unreadable-\(number)" }

    /// Whether there is a ledger, or a part of one. An empty file is none: a repair that failed leaves one.
    public var isThere: Bool
    /// Ledgers that could not be read and were moved aside, the oldest first: the database, or what there is of one
    /// that has lost its database.
    public var movedAside: [FilePath]
    /// The numbers of the ledgers that were moved aside, ascending.
    public var asideNumbers: [Int]

    /// Tells from what a folder holds.
    ///
    /// - Parameter sizes: each file's size in bytes, by its name.
    public init(of folder: FilePath, sizes: [String: Int64]) {
        isThere = Self.suffixes.contains { sizes[Self.fileName + $0, default: 0] > 0 }
        var found: [Int: FilePath] = [:]
        // The database comes first, and stands for what belongs to it.
        for suffix in Self.suffixes {
            for name in sizes.keys {
                guard let number = Self.asideNumber(of: name, suffix), found[number] == nil else { continue }
                found[number] = folder.appending(name)
            }
        }
        let sorted = found.sorted { $0.key < $1.key }
        asideNumbers = sorted.map(\.key)
        movedAside = sorted.map(\.value)
    }

    /// The number in a name that was given at a move; nil for other names.
    private static func asideNumber(of name: String, _ suffix: String) -> Int? {
        let prefix = "\(fileName).unreadable-"
        guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
        guard let number = Int(name.dropFirst(prefix.count).dropLast(suffix.count)),
            (1..<1_000_000_000).contains(number)
        else { return nil }
        return name == asideName(number) + suffix ? number : nil
    }
}
